/* Menus are <details class="menu">: one open at a time, arrow keys inside, Escape back to the button. */

const openMenu = () => document.querySelector("details.menu[open]");

document.addEventListener("click", (event) => {
  const here = event.target.closest("details.menu");
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== here && !menu.contains(here)) menu.removeAttribute("open");
  }
});

const STEPS = { ArrowDown: 1, ArrowUp: -1 };
document.addEventListener("keydown", (event) => {
  const menu = openMenu();
  if (!menu) return;
  if (event.key === "Escape") {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  }
  const step = STEPS[event.key];
  if (!step || !menu.contains(document.activeElement)) return;
  event.preventDefault();
  const items = [...menu.querySelectorAll(".menu-item:not(:disabled)")];
  const at = items.indexOf(document.activeElement);
  items[at < 0 ? (step > 0 ? 0 : items.length - 1) : (at + step + items.length) % items.length]?.focus();
});
