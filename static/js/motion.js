/* The form of a card comes from the edge where it will stand, once: going on to another card moves nothing. */

const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const isSheet = window.matchMedia("(max-width: 1023px)");
const panel = () => document.getElementById("panel");
let wasOpen = false;

document.addEventListener("htmx:beforeSwap", () => {
  wasOpen = Boolean(panel());
});
document.addEventListener("htmx:afterSwap", () => {
  const opened = panel();
  if (!opened || wasOpen || still.matches) return;
  wasOpen = true;
  const from = isSheet.matches ? "0 48px" : "24px 0";
  opened.animate([{ opacity: 0, translate: from }, {}], { duration: isSheet.matches ? 200 : 140, easing: "ease-out" });
});
