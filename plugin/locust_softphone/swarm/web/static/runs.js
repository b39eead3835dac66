// The list of finished runs: with none ticked there is nothing to compare.

const form = document.querySelector("form");

function look() {
  const none = !form.querySelector("input:checked");
  for (const button of form.querySelectorAll("button")) button.disabled = none;
}

form?.addEventListener("change", look);
if (form) window.addEventListener("pageshow", look); // also when it is come back to, with its ticks
