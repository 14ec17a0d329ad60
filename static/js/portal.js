"use strict";

// Clocks count from the server's time, whatever the clock of this device says. When a window closes
// while its page is open, what can no longer be sent goes, and the page says why. The server decides.
const language = document.documentElement.lang || "en";
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function leftWords(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = units.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return [count, new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count)];
  });
  let first = parts.findIndex(([count]) => count > 0);
  if (first < 0) first = parts.length - 1;
  return parts.slice(first, first + 2).filter(([count], at) => count > 0 || at === 0).map(([, words]) => words).join(" ");
}

function closeWindow(clock) {
  clock.classList.remove("clock-soon");
  clock.classList.add("clock-closed");
  clock.querySelector("[data-clock-end]").textContent = clock.dataset.closed;
  clock.querySelector("[data-clock-left]").hidden = true;
  const scope = clock.closest("[data-window]") || document;
  for (const part of scope.querySelectorAll("[data-while-open]")) part.hidden = true;
  for (const part of scope.querySelectorAll("[data-when-closed]")) part.hidden = false;
  scope.dispatchEvent?.(new CustomEvent("window-closed", { bubbles: true }));
}

function tick(clock, shownAt) {
  if (!clock.isConnected) return;
  const left = (Date.parse(clock.dataset.ends) - Date.parse(clock.dataset.now) - (Date.now() - shownAt)) / 1000;
  if (left <= 0) {
    closeWindow(clock);
    return;
  }
  const place = clock.querySelector("[data-clock-left]");
  const words = clock.dataset.left.replace("%s", leftWords(left));
  if (place.textContent !== words) place.textContent = words;
  clock.classList.toggle("clock-soon", left <= 86400);
  setTimeout(tick, 1000, clock, shownAt);
}

// What a page needs when it is shown, whole or in part: its clocks run, the summary of errors takes the
// focus, so that it is read first, and printing is offered where there is something that can print.
function start(scope) {
  for (const clock of scope.querySelectorAll("[data-clock]")) {
    if (!clock.dataset.runs && clock.querySelector("[data-clock-left]")) {
      clock.dataset.runs = "yes";
      tick(clock, Date.now());
    }
  }
  for (const button of scope.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  scope.querySelector("[data-error-summary]")?.focus();
}
start(document);

// Passkeys are offered when the page is whole, for only then their scripts listen: a button pressed before
// would send its bare form.
function offer(scope) {
  for (const part of scope.querySelectorAll("[data-needs-scripts]")) part.hidden = false;
}
addEventListener("DOMContentLoaded", () => offer(document));

// Forms that are sent quickly replace the page's main part; where the network fails, the browser says so.
document.addEventListener("htmx:afterSettle", (event) => {
  const shown = event.detail.elt;
  if (shown.id === "main") shown.focus({ preventScroll: true });
  start(shown.parentElement || document);
  offer(shown.parentElement || document);
});
document.addEventListener("htmx:afterRequest", (event) => delete event.detail.elt.dataset.sent);
document.addEventListener("htmx:sendError", (event) => event.detail.elt.submit?.());

// A second press while a form is on its way does nothing. (The server knows the form again, too.)
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// A browser that gives no key, because somebody cancels or has none, says nothing by itself.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  for (const words of document.querySelectorAll("[data-key-failed]")) words.hidden = false;
});

// What is typed into a form that keeps it goes to the server a second later, when its field is left, and when
// the page is; only files go by themselves. Nothing comes back: the server holds the draft.
const unkept = new Map();
function keep(form) {
  clearTimeout(unkept.get(form));
  unkept.delete(form);
  const typed = new FormData(form);
  for (const [name, value] of [...typed]) if (value instanceof File) typed.delete(name);
  typed.set("go", "keep");
  fetch(location.pathname, { method: "POST", body: typed, keepalive: true }).catch(() => {});
}
function keepSoon(event) {
  const form = event.target.closest("form[data-keeps]");
  if (!form) return;
  clearTimeout(unkept.get(form));
  unkept.set(form, setTimeout(keep, event.type === "change" ? 0 : 1000, form));
}
document.addEventListener("input", keepSoon);
document.addEventListener("change", keepSoon);
addEventListener("pagehide", () => [...unkept.keys()].forEach(keep));
document.addEventListener("submit", (event) => {
  clearTimeout(unkept.get(event.target));
  unkept.delete(event.target);
});

// What is folded on the screen is open on paper.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    fold.dataset.opened = "yes";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-opened]")) {
    fold.open = false;
    delete fold.dataset.opened;
  }
});
