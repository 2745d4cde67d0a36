/* Relative times walk on by themselves, in the server's own words (data-ago of #toasts); beyond a day its words stay. */

const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;
const given = document.getElementById("toasts")?.dataset.ago;
const words = given ? JSON.parse(given) : null;

const speak = (minutes, direction) => {
  const unit = minutes < 60 ? "minute" : "hour";
  const count = unit === "minute" ? minutes : Math.floor(minutes / 60);
  const [one, several] = words[direction][unit];
  return (count === 1 ? one : several).replace("#", count);
};

const walk = () => {
  for (const shown of document.querySelectorAll("time[data-ago]")) {
    const passed = Date.now() - new Date(shown.dateTime);
    const minutes = Math.floor(Math.abs(passed) / MINUTE);
    if (minutes === 0 || Math.abs(passed) >= DAY) continue;
    const said = speak(minutes, passed > 0 ? "past" : "future");
    if (shown.textContent !== said) shown.textContent = said;
  }
};

if (words) setInterval(walk, 30 * 1000);
