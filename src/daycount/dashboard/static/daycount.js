// Comfort on top of pages that work without it: copying, shortcuts, small menus, forms that are left unsaved.

/** @param {string} selector @param {(element: HTMLElement) => void} act @param {ParentNode} [root] */
const each = (selector, act, root = document) => root.querySelectorAll(selector).forEach((found) => act(/** @type {HTMLElement} */ (found)));

/** @param {ParentNode} root */
function prepare(root) {
  each(".copy", (button) => {
    if (navigator.clipboard) button.hidden = false;
  }, root);
  each("[data-print]", (button) => { button.hidden = false; }, root);
  each("[data-rows]", (box) => {
    const add = box.querySelector(":scope > .add-row");
    if (add instanceof HTMLElement) add.hidden = false;
    each(".remove-row", (button) => { button.hidden = false; }, box);
  }, root);
  each("[data-only-for]", (element) => show(element), root);
}

/** Show what belongs to the chosen option of a select alone. @param {HTMLElement} element */
function show(element) {
  const [name, ...values] = (element.dataset.onlyFor || "").split(" ");
  const scope = element.closest("[data-scope]") || document;
  const select = scope.querySelector(`[data-chooses="${name}"]`);
  if (select instanceof HTMLSelectElement) element.hidden = !values.includes(select.value);
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  if (!target) return;
  const copy = target.closest(".copy");
  if (copy instanceof HTMLElement) {
    navigator.clipboard.writeText(copy.dataset.copy || "").then(() => {
      copy.textContent = "Copied";
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
  }
  const add = target.closest(".add-row");
  if (add) addRow(add);
  const remove = target.closest(".remove-row");
  if (remove) {
    const box = remove.closest("[data-rows]");
    remove.closest(".row")?.remove();
    box?.dispatchEvent(new Event("change", { bubbles: true }));
  }
  each("details.pop[open], details.menu[open]", (open) => {
    if (!open.contains(target)) open.removeAttribute("open");
  });
});

/** Add one more row to a list of fields, as a copy of the last one without its values. @param {Element} button */
function addRow(button) {
  const box = button.closest("[data-rows]");
  const rows = box ? box.querySelectorAll(":scope > .row") : [];
  const last = rows[rows.length - 1];
  if (!box || !last) return;
  const prefix = box.getAttribute("data-rows") || "";
  const next = 1 + Math.max(...Array.from(rows, (row) => Number(row.getAttribute("data-row") || 0)));
  const copy = /** @type {HTMLElement} */ (last.cloneNode(true));
  const was = `${prefix}.${last.getAttribute("data-row")}.`;
  copy.setAttribute("data-row", String(next));
  copy.querySelectorAll("[name], [id], [for]").forEach((field) => {
    for (const name of ["name", "id", "for"]) {
      const value = field.getAttribute(name);
      if (value) field.setAttribute(name, value.replace(was, `${prefix}.${next}.`));
    }
    if (field instanceof HTMLInputElement && field.type !== "checkbox") field.value = "";
  });
  last.after(copy);
  prepare(box);
  const first = copy.querySelector("input, select");
  if (first instanceof HTMLElement) first.focus();
}

document.addEventListener("keydown", (event) => {
  const target = event.target instanceof HTMLElement ? event.target : null;
  const isTyping = target && (target.matches("input, textarea, select") || target.isContentEditable);
  if (event.key === "Escape") {
    each("details.pop[open], details.menu[open], details.dialog[open]", (open) => {
      open.removeAttribute("open");
      const summary = open.querySelector("summary");
      if (summary instanceof HTMLElement) summary.focus();
    });
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-shortcut='/']");
    if (search instanceof HTMLElement) {
      event.preventDefault();
      search.focus();
    }
  }
  if (event.key === "j" || event.key === "k") {
    const links = /** @type {HTMLElement[]} */ (Array.from(document.querySelectorAll("main tbody td:first-child a")));
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = links[at + (event.key === "j" ? 1 : -1)] || links[0];
    if (next) next.focus();
  }
});

document.addEventListener("change", (event) => {
  const target = event.target instanceof HTMLElement ? event.target : null;
  if (!target) return;
  if (target.matches("[data-chooses]")) {
    each("[data-only-for]", (element) => show(element), target.closest("[data-scope]") || document);
  }
  if (target.matches(".filters select")) target.closest("form")?.requestSubmit();
  const guarded = target.closest("form[data-guard]");
  if (guarded instanceof HTMLElement) guarded.dataset.changed = "yes";
});
document.addEventListener("submit", (event) => {
  if (event.target instanceof HTMLElement) delete event.target.dataset.changed;
});
window.addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-changed]")) event.preventDefault();
});
document.addEventListener("click", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
});
document.addEventListener("htmx:after:swap", () => prepare(document));
prepare(document);
