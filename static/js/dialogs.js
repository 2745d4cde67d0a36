/* A button names the dialog that it opens (data-opens); one inside closes it (data-closes), as does the ground around.
   What was copied (data-copy) is said in a toast. */

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
});

/* The ground around is the dialog's own to the browser, and so is its padding, and where a marking of text ends:
   only a press that began outside of the box closes it. */
const isOutside = (dialog, { clientX, clientY }) => {
  const box = dialog.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
};
let pressedOutside = false;
document.addEventListener("pointerdown", (event) => {
  const dialog = event.target;
  pressedOutside = dialog instanceof HTMLDialogElement && dialog.matches(":modal") && isOutside(dialog, event);
});
document.addEventListener("click", (event) => {
  if (pressedOutside && event.target instanceof HTMLDialogElement) event.target.close();
});

const TOAST_MILLISECONDS = 4000;
const toasts = document.getElementById("toasts");
const say = (words) => {
  const toast = document.createElement("p");
  toast.className = "toast";
  toast.textContent = words;
  toasts.append(toast);
  setTimeout(() => toast.remove(), TOAST_MILLISECONDS);
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || !toasts) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    say(toasts.dataset.copied);
  } catch {
    // Without a safe origin there is no clipboard: show the text, so that it can be marked.
    say(button.dataset.copy);
  }
});
