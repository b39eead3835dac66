// The list of finished runs: the buttons need at least one ticked run.

const form = document.querySelector("form");

function updateButtons() {
  const none = !form.querySelector("input:checked");
  for (const button of form.querySelectorAll("button")) button.disabled = none;
}

form?.addEventListener("change", updateButtons);
if (form) window.addEventListener("pageshow", updateButtons); // also on "back", which keeps the ticks
