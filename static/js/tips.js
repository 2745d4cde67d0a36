/* The exact time or the full word on hover, in our look; without scripts the browser's own hint stands in. */

const WAIT_MILLISECONDS = 300;
const EDGE = 8;
let shown = null;
let timer = 0;

const hide = () => {
  clearTimeout(timer);
  if (!shown) return;
  shown.owner.title = shown.words;
  shown.tip.remove();
  shown = null;
};

const show = (owner) => {
  const words = owner.title;
  const tip = document.createElement("span");
  tip.className = "tip tip-floating";
  tip.setAttribute("aria-hidden", "true");
  tip.textContent = words;
  owner.removeAttribute("title");
  document.body.append(tip);
  const place = owner.getBoundingClientRect();
  const left = Math.min(place.left, window.innerWidth - tip.offsetWidth - EDGE);
  const above = place.top - tip.offsetHeight - EDGE;
  tip.classList.toggle("tip-below", above < EDGE);
  tip.style.left = `${Math.max(left, EDGE)}px`;
  tip.style.top = `${above < EDGE ? place.bottom + EDGE : above}px`;
  shown = { owner, words, tip };
};

document.addEventListener("pointerover", (event) => {
  const owner = event.target.closest?.("time[title], .has-tip[title], .button[title]");
  if (shown && !shown.owner.contains(event.target)) hide();
  if (!owner || event.pointerType !== "mouse") return;
  clearTimeout(timer);
  timer = setTimeout(() => owner.isConnected && owner.title && show(owner), WAIT_MILLISECONDS);
});
document.addEventListener("pointerout", (event) => {
  if (!shown || !shown.owner.contains(event.relatedTarget)) hide();
});
for (const end of ["scroll", "keydown", "pointerdown"]) document.addEventListener(end, hide, true);
document.addEventListener("htmx:beforeSwap", hide);
