/* One stream a tab: parts with data-topic fetch themselves anew when their topic is named.
   A hidden tab closes its stream; a browser without one polls. */

const POLL_MILLISECONDS = 5000;
const base = document.body.dataset.live;
let source = null;
let poll = null;
let lastId = "";

/* What the reader has unfolded stays unfolded when its part is fetched anew: the server does not know of it. */
if (window.Idiomorph) {
  window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(name === "open" && node.matches("details, dialog"));
}

const parts = () => [...document.querySelectorAll("[data-topic]")];
const topics = () => [...new Set(parts().flatMap((part) => part.dataset.topic.split(" ")))];
const refresh = (topic) => {
  for (const part of parts()) {
    if (topic === "all" || part.dataset.topic.split(" ").includes(topic)) window.htmx?.trigger(part, "changed");
  }
};

const close = () => {
  source?.close();
  source = null;
  clearInterval(poll);
};

const open = () => {
  close();
  const wanted = topics();
  if (!base || !wanted.length) return;
  if (!window.EventSource) {
    poll = setInterval(() => refresh("all"), POLL_MILLISECONDS);
    return;
  }
  const query = new URLSearchParams({ topics: wanted.join(",") });
  if (lastId) query.set("last_event_id", lastId);
  source = new EventSource(`${base}?${query}`);
  for (const topic of [...wanted, "all"]) {
    source.addEventListener(topic, (event) => {
      lastId = event.lastEventId || lastId;
      refresh(event.data);
    });
  }
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      poll = setInterval(() => refresh("all"), POLL_MILLISECONDS);
    }
  });
};

if (base) {
  let known = "";
  const openIfChanged = () => {
    const now = topics().join(",");
    if (now !== known) {
      known = now;
      open();
    }
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
      known = "";
      return;
    }
    refresh("all");
    openIfChanged();
  });
  document.addEventListener("htmx:afterSettle", openIfChanged);
  window.addEventListener("pagehide", close);
  openIfChanged();
}
