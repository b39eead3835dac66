// What a run would give, before it starts; and a ramp without refusals, after it. The server simulates both.

const AGAIN_MS = 2000; // the server makes one simulation at a time

const ramp = document.getElementById("ramp");
const button = ramp.querySelector("button"), problem = ramp.querySelector(".problem");
const lines = ramp.querySelector("ul"), link = ramp.querySelector("a");

let offeredFor = null; // the run that the button is about

/** Show the simulated outcome; `isWanted` says whether the form still has this query. */
export async function showOutcome(query, isWanted) {
  const shown = document.getElementById("simulated");
  shown.textContent = query && "simulated: …";
  if (!query) return;
  const answer = await ask(`prediction?${query}`);
  if (!isWanted()) return;
  if (answer.busy) setTimeout(() => isWanted() && showOutcome(query, isWanted), AGAIN_MS);
  else shown.textContent = answer.problem ? `not simulated: ${answer.problem}` : `simulated: ${answer.text}`;
}

/** Show the button after a run with refusals. */
export function offerRamp(run, isOffered) {
  ramp.hidden = !isOffered;
  if (run === offeredFor) return;
  offeredFor = run;
  show({});
}

button.addEventListener("click", async () => {
  const run = offeredFor;
  show({ lines: ["simulating, for up to a minute …"] });
  button.disabled = true;
  const answer = await ask(`runs/${encodeURIComponent(run)}/ramp`, { method: "POST" });
  button.disabled = false;
  if (run === offeredFor) show(answer);
});

function show(answer) {
  problem.textContent = answer.problem ?? "";
  lines.replaceChildren(...(answer.lines ?? []).map((text) => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }));
  URL.revokeObjectURL(link.href);
  link.hidden = !answer.profile;
  link.href = answer.profile ? URL.createObjectURL(new Blob([answer.profile], { type: "application/yaml" })) : "#";
  link.download = answer.name ?? "";
}

async function ask(url, options) {
  try {
    return await (await fetch(url, options)).json();
  } catch {
    return { problem: "the server did not answer" };
  }
}
