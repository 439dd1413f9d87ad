// The rules of an audience on the survey's page: each subject offers only what fits it, and the people whom the rules
// let through are counted while one edits. Without this script the same fields stand there, all of them.
(() => {
  "use strict";

  const PAUSE = 500; // milliseconds after the last change

  const fieldOf = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const lineOf = (field) => field.closest(".field-line"); // with its label and help

  // What is in the text field, as the server reads it; a text with quotes is left alone.
  const valuesOf = (text) => text.split(/[\n,]/).map((value) => value.trim()).filter(Boolean);

  const startRow = (row, editor) => {
    const subject = fieldOf(row, "subject");
    if (!subject || row.dataset.rule) return;
    row.dataset.rule = "started";
    const [name, operator, values] = ["name", "operator", "values"].map((each) => fieldOf(row, each));
    const labels = new Map([...operator.options].map((option) => [option.value, option.text]));
    const hint = document.createElement("p");
    hint.className = "survey-hint rule-hint";
    hint.id = `${values.id}-hint`;
    const choices = document.createElement("fieldset");
    choices.className = "rule-choices";
    choices.setAttribute("aria-label", lineOf(values).querySelector("label").textContent.trim());
    const help = document.getElementById(values.getAttribute("aria-describedby")) ?? values.parentElement.lastElementChild;
    lineOf(values).before(hint);
    values.before(choices);
    subject.setAttribute("aria-describedby", hint.id);

    const offerOperators = (offered) => {
      const chosen = offered.includes(operator.value) ? operator.value : offered[0];
      operator.replaceChildren(...offered.map((each) => new Option(labels.get(each), each, false, each === chosen)));
    };

    const offerChoices = (offered) => {
      const chosen = valuesOf(values.value);
      choices.replaceChildren(
        ...Object.entries(offered ?? {}).map(([value, text]) => {
          const label = document.createElement("label");
          const box = Object.assign(document.createElement("input"), { type: "checkbox", value });
          box.checked = chosen.includes(value);
          label.append(box, ` ${text}`);
          return label;
        }),
      );
    };

    const follow = () => {
      const rules = editor.subjects[subject.value];
      const hasValues = !editor.withoutValues.includes(operator.value);
      const offered = Object.keys(rules?.choices ?? {});
      // A value that is no longer among the choices, such as an event taken away, stays in sight to be corrected.
      const hasChoices = offered.length > 0 && valuesOf(values.value).every((value) => offered.includes(value));
      lineOf(name).hidden = Boolean(rules) && subject.value !== editor.named;
      lineOf(operator).hidden = !rules;
      lineOf(values).hidden = !rules || !hasValues;
      choices.hidden = !hasChoices;
      values.hidden = hasChoices;
      help.hidden = hasChoices;
      hint.textContent = rules?.hint ?? "";
    };

    subject.addEventListener("change", () => {
      const rules = editor.subjects[subject.value];
      values.value = "";
      if (subject.value !== editor.named) name.value = "";
      if (rules) offerOperators(rules.operators);
      offerChoices(rules?.choices);
      follow();
    });
    operator.addEventListener("change", () => {
      if (editor.withoutValues.includes(operator.value)) values.value = "";
      follow();
    });
    choices.addEventListener("change", () => {
      values.value = [...choices.querySelectorAll("input:checked")].map((box) => box.value).join("\n");
    });

    const rules = editor.subjects[subject.value];
    if (rules) {
      // A comparison that does not fit came back with its error: keep it in sight.
      if (rules.operators.includes(operator.value)) offerOperators(rules.operators);
      offerChoices(rules.choices);
    }
    follow();
  };

  const startCounting = (panel, group) => {
    const form = panel.closest("form");
    const result = panel.querySelector("[data-audience-result]");
    let timer = 0;
    let running = null;

    const count = async () => {
      running?.abort();
      const mine = new AbortController();
      running = mine;
      // Only what belongs to the rules: the rest of the page is none of this request's business.
      const data = new FormData();
      for (const [name, value] of new FormData(form)) {
        if (name === "csrfmiddlewaretoken" || name.startsWith("audience-")) data.append(name, value);
      }
      try {
        const answer = await fetch(panel.dataset.audiencePreview, { method: "POST", body: data, signal: mine.signal });
        if (!answer.ok) throw new Error(String(answer.status));
        result.innerHTML = await answer.text();
      } catch (error) {
        if (error.name !== "AbortError") result.textContent = panel.dataset.failed;
      }
    };
    const countSoon = () => {
      clearTimeout(timer);
      timer = setTimeout(count, PAUSE);
    };

    group.addEventListener("input", countSoon);
    group.addEventListener("change", countSoon);
    group.addEventListener("click", (event) => {
      if (event.target.closest("a, button")) countSoon(); // a rule was added or taken away
    });
    // Nobody waits for a number on a tab that nobody opened.
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((one) => one.isIntersecting)) return;
      observer.disconnect();
      count();
    }).observe(panel);
  };

  document.addEventListener("DOMContentLoaded", () => {
    const group = document.getElementById("audience-group");
    const data = document.getElementById("rule-editor");
    if (!group || !data) return;
    const editor = JSON.parse(data.textContent);
    const startRows = () =>
      group.querySelectorAll(".form-group:not(.empty-form)").forEach((row) => startRow(row, editor));
    startRows();
    document.addEventListener("formset:added", startRows);
    const panel = group.querySelector("[data-audience-preview]");
    if (panel) startCounting(panel, group);
  });
})();
