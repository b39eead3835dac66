// The page of a run: choose a profile, see what it will do, start it, watch it, stop it.
// Untrusted text (of an edge or a profile) is set as text, never as HTML.

import { drawPlan, drawRun } from "./charts.js";
import { offerRamp, showOutcome } from "./predictions.js";

const EVERY_MS = 1000;
const WORDS = { preparing: "being prepared", running: "running", stopping: "stopping", idle: "over" };

const STATES = { reproduced: "reproduced the failure" };

const at = (id) => document.getElementById(id);
const form = document.querySelector("#start form");
const problem = form.querySelector(".problem");

let known = null; // the run on the page: { id, starts, seconds }

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

async function ask(url, options) {
  const response = await fetch(url, options);
  if (response.redirected) location.reload(); // to the login
  return response.json();
}

// What a profile will do.

async function showPlan() {
  const asked = wanted();
  const plan = await ask(`plan?${asked}`);
  if (asked !== wanted()) return; // the user has chosen something else meanwhile
  document.querySelector("#plan .problem").textContent = plan.problem ?? "";
  document.querySelector("#plan .about").textContent = plan.about ?? "";
  document.querySelector("#plan ul").replaceChildren(...(plan.lines ?? []).map((line) => element("li", line)));
  drawPlan("plan-chart", plan.starts ?? [], plan.duration_s ?? 1);
  showPrediction();
}

function wanted() {
  const { softphone_profile: profile, override_users, override_ramp } = form.elements;
  return new URLSearchParams({ profile: profile.value, override_users: override_users.value, override_ramp: override_ramp.value }).toString();
}

/** Show the simulated outcome, unless the plan has a problem. */
function showPrediction() {
  const isPossible = !document.querySelector("#plan .problem").textContent;
  const query = () => `${wanted()}&${new URLSearchParams({ host: form.elements.host.value })}`;
  const asked = query();
  showOutcome(isPossible ? asked : "", () => asked === query() && !at("start").hidden);
}
form.elements.host.addEventListener("change", showPrediction);

// Start and stop.

for (const name of ["softphone_profile", "override_users", "override_ramp"]) {
  form.elements[name].addEventListener("change", () => {
    showProblems("");
    showPlan();
  });
}

/** Show problems, a line each, and mark the fields that they begin with. */
function showProblems(text) {
  problem.textContent = text;
  for (const label of form.querySelectorAll("label")) {
    const name = label.firstChild.textContent.trim(), field = label.querySelector("input, select");
    if (text.split("\n").some((line) => line.startsWith(`${name}: `))) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  form.querySelector("[aria-invalid]")?.focus();
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const answer = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  showProblems(answer.success ? "" : answer.message);
  button.disabled = false;
});
at("stop").addEventListener("click", () => ask("stop", { method: "POST" }));

// The metrics, each second.

async function refresh() {
  const query = known ? `?run=${encodeURIComponent(known.id)}&since=${known.seconds.length}` : "";
  const { phase, problems, workers, run, timeline } = await ask(`live${query}`);
  showPhase(phase, problems, run);
  at("workers").textContent = workers === null ? "" : `with ${several(workers, "worker")}`;
  if (!run) return;
  if (run.id !== known?.id) known = { id: run.id, starts: run.starts, seconds: [] };
  for (const second of timeline) known.seconds[second.second] = second;
  showMetrics(run);
  offerRamp(run.id, phase === "idle" && run.verdict && sum(run.rate_limited) > 0);
  drawRun(run, known.starts, known.seconds.filter(Boolean));
}

function showPhase(phase, problems, run) {
  const idle = phase === "idle", state = idle ? run?.verdict ?? "" : "";
  const startsNow = idle && at("start").hidden;
  at("start").hidden = !idle;
  if (startsNow) showPlan();
  at("run").hidden = idle && !run && !problems.length;
  at("metrics").hidden = at("outcome").hidden = !run;
  at("stop").hidden = idle;
  at("another").hidden = !idle;
  at("stop").disabled = phase === "stopping";
  at("profile").textContent = run?.profile ?? "The run";
  at("phase").textContent = STATES[state] ?? (state || WORDS[phase]);
  at("phase").className = state;
  const warnings = new Set([...problems, run?.saturation, ...(run?.remarks ?? [])].filter(Boolean)); // a Set, since remarks repeat it
  const bad = new Set([...problems, run?.saturation]);
  at("warnings").replaceChildren(
    ...[...warnings].map((line) => {
      const level = line.startsWith("✓") ? "passed" : line.startsWith("✗") || bad.has(line) ? "failed" : "";
      return element("li", line, level);
    }),
  );
}

function showMetrics(run) {
  const { totals, workers } = run;
  at("where").textContent = `${run.target}${workers ? `, ${several(workers.present, "worker")}${workers.lost ? `, ${workers.lost} lost` : ""}` : ""}`;
  at("overridden").textContent = run.overridden && ` · ${run.overridden}`;
  at("outcome").textContent = run.outcome.text;
  at("outcome").className = run.verdict ? run.outcome.level : "";
  at("made").hidden = !run.verdict;
  at("report").href = `comparison?run=${encodeURIComponent(run.id)}`;
  at("record").href = `runs/${encodeURIComponent(run.id)}.json`;
  at("progress").value = Math.max(run.clock_s, 0);
  at("progress").max = run.duration_s;
  at("clock").textContent = `${seconds(Math.max(run.clock_s, 0))} of ${seconds(run.duration_s)}`;
  at("totals").replaceChildren(
    tile("planned by now", totals.due, `of ${totals.planned}`), tile("started", totals.started),
    tile("connected", totals.connected), tile("answered", totals.answered, "", "good"), tile("gave up", totals.gave_up, "", "bad"),
    tile("429", sum(run.rate_limited), "", "uncertain"), tile("abnormal closes", sum(run.abnormal_closes), "", "bad"));
  fill("rate-limited", Object.entries(run.rate_limited));
  fill("closes", [...Object.entries(run.closes).map(([code, number]) => [`code ${code}`, number]),
    ...Object.entries(run.abnormal_closes).map(([cause, number]) => [`abnormal: ${cause.replaceAll("_", " ")}`, number])]);
  fill("retries", [["made", run.retries.made], ["honoured Retry-After", run.retries.honoured], ["too early", run.retries.too_early]]);
  fill("times", ["p50", "p95", "p99"].flatMap((point) => [
    [`call set-up ${point}`, duration(run.call_setup_s[point])], [`start lag ${point}`, duration(run.start_lag_s[point])],
  ]).sort());
}

/** A number with its name; the colour says what it is, unless there are none. */
function tile(name, number, note = "", colour = "") {
  const made = element("div", "", number ? colour : ""), value = element("dd", `${number} `);
  value.append(element("small", note));
  made.append(element("dt", name), value);
  return made;
}

function fill(table, rows) {
  at(table).tBodies[0].replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("tr");
    row.append(element("th", name), element("td", value));
    return row;
  }));
}

const sum = (numbers) => Object.values(numbers).reduce((before, number) => before + number, 0);
const several = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const seconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;

/** A duration to three digits, as in reports (text.py). */
function duration(value) {
  if (value === undefined) return "–";
  if (value >= 119.5) return `${Math.floor(Math.round(value) / 60)} min ${Math.round(value) % 60} s`;
  const [scaled, unit] = value < 0.9995 ? [value * 1000, "ms"] : [value, "s"];
  return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${unit}`;
}

async function poll() {
  try {
    if (!document.hidden) await refresh();
  } finally {
    setTimeout(poll, EVERY_MS);
  }
}
poll();
