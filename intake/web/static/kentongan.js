// Keys for what the page offers anyway, and the lease of the candidate in hand: every action works without this script.
"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const typing = (element) => element.closest("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");
  const rows = all("[data-row]");
  const news = document.getElementById("kabar");
  const tell = (words) => { news.textContent = words; news.hidden = !words; if (words) news.scrollIntoView({ block: "nearest" }); };

  // ---- moving about
  const step = (by) => {
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    if (next) show(next);
  };
  const show = (element) => {
    const folded = element.closest("details");
    if (folded) folded.open = true;
    element.focus();
    if (element.select) element.select();
    element.scrollIntoView({ block: "center" });
  };
  const cycle = (boxes) => show(boxes[(boxes.indexOf(document.activeElement) + 1) % boxes.length]);
  all("[data-opens]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
  });
  all("a[href^='#']").forEach((link) => link.addEventListener("click", () => {
    const target = document.getElementById(link.hash.slice(1));
    const folded = target && target.closest("details");
    if (folded) folded.open = true;
  }));

  // ---- sending: once, however fast the key is struck, and only when somebody is there to take it
  const clear = () => all("[data-sent]").forEach((form) => { delete form.dataset.sent; delete form.dataset.reached; });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.dataset.reached) { delete form.dataset.reached; return; }
    event.preventDefault();
    if (form.dataset.sent) return;
    form.dataset.sent = "1";
    try {
      await fetch("/sehat", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    } catch {
      clear();
      tell(news.dataset.offline);
      return;
    }
    tell("");
    form.dataset.reached = "1";
    form.requestSubmit(event.submitter);
  });
  window.addEventListener("pageshow", clear);

  // ---- the lease
  const lease = document.getElementById("sewa");
  const said = lease && lease.querySelector("[data-lease]");
  const ask = async (body, address) => {
    const answer = await fetch(address, { method: "POST", body, headers: { accept: "application/json" } });
    if (answer.redirected) { tell(news.dataset.signedOut); return false; }
    const told = await answer.json();
    said.textContent = told.words;
    lease.classList.toggle("other", !answer.ok);
    all("input[name=lease]").forEach((input) => { input.value = answer.ok ? told.token : ""; });
    return answer.ok;
  };
  const release = lease && lease.querySelector("[data-release]");
  const claiming = lease && lease.querySelector("[data-claim], [data-reclaim]");
  const hold = async () => {
    try {
      claiming.hidden = await ask(new URLSearchParams(new FormData(claiming)), claiming.action);
      release.hidden = !claiming.hidden;
    } catch { tell(news.dataset.offline); }
  };
  if (claiming) {
    claiming.addEventListener("submit", (event) => { event.preventDefault(); hold(); });
    const seen = () => { if (document.visibilityState === "visible") { document.removeEventListener("visibilitychange", seen); hold(); } };
    if (claiming.hasAttribute("data-claim")) { document.addEventListener("visibilitychange", seen); seen(); }
  }
  let active = true;
  ["keydown", "pointerdown", "pointermove", "scroll"].forEach((kind) => document.addEventListener(kind, () => { active = true; }, { passive: true }));
  const token = () => { const input = document.querySelector("input[name=lease]"); return input && input.value; };
  if (lease) setInterval(async () => {
    if (!active || !token()) return;
    active = false;
    const form = document.querySelector("form:has(input[name=lease])");
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, lease: token() });
    const address = `${location.pathname.split("/").slice(0, 3).join("/")}/sewa`;
    try { if (!await ask(body, address) && news.hidden) tell(said.textContent); } catch { /* the next one may get through */ }
  }, lease.dataset.every * 1000);

  // ---- several at once
  const boxes = all("input[name=item]");
  const count = document.querySelector("[data-count]");
  const counted = () => { if (count) count.textContent = count.dataset.words.replace("{n}", boxes.filter((box) => box.checked).length); };
  boxes.forEach((box) => box.addEventListener("change", counted));
  all("[data-all]").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    const on = !boxes.every((box) => box.checked);
    boxes.forEach((box) => { box.checked = on; });
    counted();
  }));
  if (boxes.some((box) => box.checked)) counted();

  // ---- keys
  const chord = document.getElementById("akor");
  let begun = "";
  const begin = (key) => {
    begun = key;
    document.body.dataset.chord = key;
    chord.textContent = key ? chord.dataset[key] : "";
  };
  document.addEventListener("keydown", (event) => {
    const field = typing(event.target);
    const isDone = event.key === "Escape" || (event.key === "Enter" && event.ctrlKey && event.target.tagName === "TEXTAREA");
    if (field && isDone && !document.querySelector("dialog[open]")) field.blur();
  });
  const WAIT = 700; // milliseconds that letters are left alone after one that led nowhere: a word is being typed
  let nowhere = -WAIT;
  const lost = (event) => {
    const cannot = all("[data-cannot]").find((one) => one.dataset.cannot.split(" ").includes(event.key));
    if (cannot) tell(cannot.textContent);
    if (/^\S$/.test(event.key)) nowhere = event.timeStamp;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key;
    if (/^\S$/.test(key) && event.timeStamp - nowhere < WAIT) { nowhere = event.timeStamp; return; }
    const isReady = (one) => !one.closest(".bulk") || boxes.some((box) => box.checked);
    const find = (name, value) => all(`[${name}]`).find((one) => one.getAttribute(name) === value && isReady(one));
    const act = (element, deed) => { if (element) { event.preventDefault(); deed(element); } return element; };
    if (begun) {
      const chosen = find("data-chord", begun + key);
      begin("");
      if (!act(chosen, (one) => one.click())) lost(event);
      return;
    }
    const first = document.querySelector(`[data-chord^="${CSS.escape(key)}"]`);
    if (key.length === 1 && act(first, (one) => { begin(key); show(one); })) return;
    if (rows.length && key === "j") return step(1);
    if (rows.length && key === "k") return step(-1);
    if (boxes.length && key === "x") {
      const row = document.activeElement.closest("li");
      if (act(row && row.querySelector("input[name=item]"), (box) => box.click())) return;
    }
    const marked = all(`[data-cycle="${CSS.escape(key)}"]`);
    if (act(marked[0], () => cycle(marked))) return;
    if (act(find("data-focus", key), show)) return;
    if (!act(find("data-key", key), (one) => one.click())) lost(event);
  });
})();
