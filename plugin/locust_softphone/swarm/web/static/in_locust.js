// On Locust's own pages: a line with what is going on and the way to ours, and beside the form's drop-down what the
// profile will do. Locust's page belongs to React; what is added here stands where React never looks.

const EVERY_MS = 1000;
const NO_HOST = "with an empty host: against a simulated edge, for this run";
const LATE = 1e9; // no seconds of the timeline are wanted

const line = document.createElement("a");
line.href = "./softphone/";
line.style.cssText = "display: block; padding: 6px 24px; font: 14px system-ui, sans-serif; color: #fff; background: #14532d";
document.body.prepend(line);

async function ask(url) {
  const response = await fetch(url);
  return response.redirected ? {} : response.json();
}

async function refresh() {
  const { phase, problems = [], run } = await ask(`./softphone/live?since=${LATE}`);
  const figures = run && `${run.profile}: ${run.totals.due} planned by now, ${run.totals.started} started, ${run.totals.connected} connected, ${run.totals.answered} answered`;
  const state = { idle: run?.verdict, preparing: "a run is being prepared", stopping: "being finished" }[phase];
  line.textContent = `Softphone — ${[...problems, figures, state].filter(Boolean).join(" · ") || "what a profile will do"} · charts, runs, comparison →`;
}

async function describe(choice) {
  let said = choice.closest("[role=region]").querySelector(".softphone-plan");
  if (!said) {
    said = document.createElement("div");
    said.className = "softphone-plan";
    said.style.cssText = "padding: 0 16px 16px; white-space: pre-line";
    choice.closest("[role=region]").append(said);
  }
  const profile = choice.value;
  const plan = await ask(`./softphone/plan?profile=${encodeURIComponent(profile)}`);
  if (profile !== choice.value) return; // another has been chosen meanwhile
  said.textContent = plan.problem ?? [plan.about, ...[...plan.lines ?? [], NO_HOST].map((each) => `• ${each}`)].join("\n");
}

/** Locust hides the drop-down in a part of the form that is closed at first. */
function openForm() {
  const closed = [...document.querySelectorAll("button[aria-expanded=false]")];
  closed.find((button) => button.textContent.startsWith("Custom parameters"))?.click();
}

async function poll() {
  const choice = document.querySelector("select[name=softphoneProfile]");
  if (choice && !choice.dataset.described) {
    choice.dataset.described = "yes";
    openForm();
    choice.addEventListener("change", () => describe(choice));
    describe(choice);
  }
  try {
    if (!document.hidden) await refresh();
  } finally {
    setTimeout(poll, EVERY_MS);
  }
}
poll();
