// Keyboard shortcuts of the list of responses and of the page of one. They never fire in form fields, with a modifier
// or in a dialog, and can be switched off; the choice stays in this browser.
(() => {
    "use strict";
    const OFF = "odzew-shortcuts-off";
    const ROW = "odzew-row";
    const TASKS = {t: "tag", f: "flag", e: "archive", r: "mark-read"};
    const AT_ONCE = ["archive", "mark-read"];

    const stored = (area, name) => {
        try { return area.getItem(name); } catch { return null; }
    };
    const store = (area, name, value) => {
        try { area.setItem(name, value); } catch { /* without storage nothing is remembered, and all else works */ }
    };

    document.addEventListener("DOMContentLoaded", () => {
        const menu = document.getElementById("odzew-shortcuts");
        if (!menu) return;
        const toggle = document.getElementById("odzew-shortcuts-on");
        const help = document.getElementById("odzew-help");
        const rows = [...document.querySelectorAll("#result_list tr.data-row")];
        const here = window.location.pathname + window.location.search;

        toggle.checked = stored(window.localStorage, OFF) !== "1";
        toggle.addEventListener("change", () => store(window.localStorage, OFF, toggle.checked ? "0" : "1"));
        help.querySelector("[data-keys]").append(menu.querySelector(".odzew-keys").cloneNode(true));

        const current = () => rows.findIndex((row) => row.classList.contains("odzew-current"));
        const moveTo = (index) => {
            const row = rows[Math.max(0, Math.min(index, rows.length - 1))];
            if (!row) return;
            rows.forEach((other) => other.classList.toggle("odzew-current", other === row));
            row.tabIndex = -1;
            row.focus();
            row.scrollIntoView({block: "nearest"});
        };
        const linkOf = (row) => row.querySelector("th a, td a[href*='/change/']");
        const boxOf = (row) => row.querySelector("input.action-select");
        const remember = () => store(window.sessionStorage, ROW, JSON.stringify({here, index: current()}));

        // Rows can be chosen by mouse or Tab as well: the keys act on the row that has the focus.
        rows.forEach((row, index) => row.addEventListener("focusin", (event) => {
            if (event.target !== row && current() !== index) {
                rows.forEach((other) => other.classList.toggle("odzew-current", other === row));
            }
        }));

        const post = (address) => {
            const form = document.createElement("form");
            form.method = "post";
            form.action = address;
            const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
            for (const [name, value] of [["csrfmiddlewaretoken", token], ["answered", "1"]]) {
                const field = document.createElement("input");
                Object.assign(field, {type: "hidden", name, value});
                form.append(field);
            }
            document.body.append(form);
            form.submit();
        };

        const runOnSelected = (task) => {
            const select = document.querySelector("#changelist-form select[name=action]");
            if (!select || ![...select.options].some((option) => option.value === task)) return;
            select.value = task;
            select.dispatchEvent(new Event("change", {bubbles: true}));
            const form = document.getElementById("changelist-form");
            form.requestSubmit(form.querySelector("button[name=index]"));
        };

        const runOnRow = (row, task) => {
            const address = `${menu.dataset.list}${boxOf(row).value}/do/${task}/?from=${encodeURIComponent(menu.dataset.from)}`;
            remember();
            if (AT_ONCE.includes(task)) post(address);
            else window.location.assign(address);
        };

        const may = (task) => {
            const select = document.querySelector("#changelist-form select[name=action]");
            return Boolean(select) && [...select.options].some((option) => option.value === task);
        };

        const runOnPage = (task) => {
            const target = task === "tag"
                ? document.getElementById("new-tag")
                : document.querySelector(`a[href$="/do/${task}/"]`);
            if (!target) return false;
            if (task === "tag") target.focus();
            else target.click();
            return true;
        };

        const run = (task) => {
            if (!document.getElementById("changelist-form")) return runOnPage(task);
            if (!may(task)) return false;
            if (document.querySelector("input.action-select:checked")) runOnSelected(task);
            else if (current() >= 0) runOnRow(rows[current()], task);
            else return false;
            return true;
        };

        const press = (event) => {
            const row = rows[current()];
            switch (event.key) {
                case "j": moveTo(current() + 1); return rows.length > 0;
                case "k": moveTo(current() - 1); return rows.length > 0;
                case "Enter":
                    if (document.activeElement !== row) return false;
                    // falls through
                case "o":
                    if (!row || !linkOf(row)) return false;
                    remember();
                    linkOf(row).click();
                    return true;
                case "x":
                    if (!row || !boxOf(row)) return false;
                    boxOf(row).click();
                    return true;
                case "?": help.showModal(); return true;
            }
            return event.key in TASKS && run(TASKS[event.key]);
        };

        document.addEventListener("keydown", (event) => {
            const inField = event.target.closest("input:not(.action-select), textarea, select, [contenteditable], dialog");
            if (!toggle.checked || inField || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
            if (press(event)) event.preventDefault();
        });

        // Back where one was before a task; only after the theme has drawn the page, since a row that it still hides
        // cannot take the focus.
        const before = JSON.parse(stored(window.sessionStorage, ROW) || "null");
        if (before && before.here === here && rows.length) {
            store(window.sessionStorage, ROW, "null");
            const goBack = () => window.setTimeout(() => moveTo(before.index), 50);
            if (document.readyState === "complete") goBack();
            else window.addEventListener("load", goBack);
        }
    });
})();
