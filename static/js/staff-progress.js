/* A job of staff's is followed: what its page shows is fetched again every two seconds, until the job has ended. */

const EVERY = 2000;
const PARTS = [".bulk-head", ".bulk-counts", ".scroll"];

const follow = async () => {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!fresh.querySelector("[data-follow]")) {
    window.location.reload();
    return;
  }
  for (const part of PARTS) {
    const [shown, next] = [document.querySelector(part), fresh.querySelector(part)];
    // A link that has the focus keeps it.
    if (shown && next && !shown.contains(document.activeElement)) shown.replaceWith(next);
  }
};

setInterval(() => {
  if (!document.hidden) follow().catch(() => {});
}, EVERY);
