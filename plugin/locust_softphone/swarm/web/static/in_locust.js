// On Locust's own pages: a line with the state of the run and a link to our pages, and below the form what the chosen
// profile will do. React renders Locust's page; our elements are outside of what it updates.

const EVERY_MS = 1000;
const NO_HOST = "an empty host starts a simulated edge for the run";
const NO_TIMELINE = 1e9; // a second that no run reaches

const line = document.createElement("a");
line.href = "./softphone/";
line.style.cssText = "display: block; padding: 6px 24px; font: 14px system-ui, sans-serif; color: #fff; background: #14532d";
document.body.prepend(line);

async function ask(url) {
  const response = await fetch(url);
  return response.redirected ? {} : response.json();
}

async function refresh() {
  const { phase, problems = [], run } = await ask(`./softphone/live?since=${NO_TIMELINE}`);
  const metrics = run && `${run.profile}: ${run.outcome.text}`;
  const state = { idle: run?.verdict === "reproduced" ? "reproduced the failure" : run?.verdict, preparing: "a run is being prepared", stopping: "stopping" }[phase];
  line.textContent = `Softphone — ${[...problems, metrics, state].filter(Boolean).join(" · ") || "what a profile will do"} · charts, runs, comparison →`;
}

async function describe(choice) {
  let shown = choice.closest("[role=region]").querySelector(".softphone-plan");
  if (!shown) {
    shown = document.createElement("div");
    shown.className = "softphone-plan";
    shown.style.cssText = "padding: 0 16px 16px; white-space: pre-line";
    choice.closest("[role=region]").append(shown);
  }
  const profile = choice.value;
  const plan = await ask(`./softphone/plan?profile=${encodeURIComponent(profile)}`);
  if (profile !== choice.value) return; // the user has chosen another profile meanwhile
  shown.textContent = plan.problem ?? [plan.about, ...[...plan.lines ?? [], NO_HOST].map((each) => `• ${each}`)].join("\n");
}

/** Open the part of Locust's form that contains the drop-down, which is closed at first, and show it first. */
function openForm(choice) {
  const part = choice.closest(".MuiAccordion-root");
  if (part) part.style.order = -1; // the form is a flex box
  const closed = [...document.querySelectorAll("button[aria-expanded=false]")];
  closed.find((button) => button.textContent.startsWith("Custom parameters"))?.click();
}

async function poll() {
  const choice = document.querySelector("select[name=softphoneProfile]");
  if (choice && !choice.dataset.described) {
    choice.dataset.described = "yes";
    openForm(choice);
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
