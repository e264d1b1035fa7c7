// Keys for what the page offers anyway: every action works without this script.
"use strict";
(() => {
  const typing = (element) => element.closest("input, textarea, select, [contenteditable]");
  const rows = [...document.querySelectorAll("[data-row]")];
  const step = (by) => {
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    if (next) { next.focus(); next.scrollIntoView({ block: "center" }); }
  };
  document.querySelectorAll("[data-opens]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
  });
  // A form is sent once, however fast the key is struck.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method === "post") event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (rows.length && event.key === "j") return step(1);
    if (rows.length && event.key === "k") return step(-1);
    const find = (name) => [...document.querySelectorAll(`[${name}]`)].find((one) => one.getAttribute(name) === event.key);
    const focus = find("data-focus");
    const folded = focus && focus.closest("details");
    if (folded) folded.open = true;
    if (focus) { event.preventDefault(); focus.focus(); focus.scrollIntoView({ block: "center" }); return; }
    const target = find("data-key");
    if (target) { event.preventDefault(); target.click(); }
  });
})();
