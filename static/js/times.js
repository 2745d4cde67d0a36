/* Relative times walk on by themselves; beyond a day the server's words stay. */

const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;
const speak = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short", numeric: "always" });

const walk = () => {
  for (const shown of document.querySelectorAll("time[data-ago]")) {
    const passed = new Date(shown.dateTime) - Date.now();
    const minutes = Math.trunc(passed / MINUTE);
    if (minutes === 0 || Math.abs(passed) >= DAY) continue;
    const words = Math.abs(minutes) < 60 ? speak.format(minutes, "minute") : speak.format(Math.trunc(minutes / 60), "hour");
    if (shown.textContent !== words) shown.textContent = words;
  }
};

setInterval(walk, 30 * 1000);
