/* The customer service window: the time that is left walks on, amber under three hours, locked at zero. */

const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;
const SHORT = 3 * HOUR;
const STEP = 15 * 1000;
const unit = (name) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: name, unitDisplay: "short" });
const hours = unit("hour");
const minutes = unit("minute");

const words = (left) => {
  const full = Math.floor(left / HOUR);
  const rest = minutes.format(Math.floor((left % HOUR) / MINUTE));
  return full ? `${hours.format(full)} ${rest}` : rest;
};

const countDown = () => {
  for (const shown of document.querySelectorAll("[data-window-ends]")) {
    const left = new Date(shown.dataset.windowEnds) - Date.now();
    shown.classList.toggle("is-short", left > 0 && left < SHORT);
    const span = shown.querySelector("[data-left]");
    if (left > 0) {
      if (span) span.textContent = words(left);
    } else if (!shown.classList.contains("is-closed")) {
      shown.classList.add("is-closed");
      window.htmx?.trigger(shown, "window-closed");
    }
  }
};

setInterval(countDown, STEP);
document.addEventListener("DOMContentLoaded", countDown);
document.addEventListener("htmx:afterSettle", countDown);
countDown();
