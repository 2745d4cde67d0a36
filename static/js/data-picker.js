/* The list of data at hand: a click puts an expression into the field that was used last. Without this it is a list to read. */

const takesData = (element) => element?.matches?.("[data-liquid]");

/* Who was quicker than this script is in a field already. */
let last = takesData(document.activeElement) ? document.activeElement : null;

const unfold = () => {
  for (const hint of document.querySelectorAll("[data-picker-hint]")) hint.hidden = false;
};

document.addEventListener("focusin", (event) => {
  if (takesData(event.target)) last = event.target;
});

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-insert]");
  if (!item) return;
  const form = document.getElementById("step-form");
  const field = last?.isConnected ? last : form?.querySelector("[data-liquid]");
  if (!field) return;
  const start = field.selectionStart ?? field.value.length;
  const end = field.selectionEnd ?? start;
  field.focus();
  field.setRangeText(item.dataset.insert, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

document.addEventListener("htmx:afterSettle", unfold);
unfold();
