// Select2 gives the field that one types a search into no name: it gets that of the field whose choices it searches.
(() => {
  "use strict";

  const name = (field) => {
    const container = field.closest(".select2-container");
    const own = container?.previousElementSibling;
    const select = own?.labels ? own : document.querySelector(".select2-container--open")?.previousElementSibling;
    const label = select?.labels?.[0];
    if (label) field.setAttribute("aria-label", label.textContent.replace("*", "").trim());
  };
  const nameAll = () => document.querySelectorAll(".select2-search__field:not([aria-label])").forEach(name);

  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
    nameAll();
  });
})();
