// How a campaign that moves stands is shown anew every few seconds; without this script reloading the page does it.
document.addEventListener("DOMContentLoaded", () => {
  const standing = document.querySelector("[data-standing]");
  const stateOf = (element) => element.querySelector("[data-state]").dataset.state;
  const ask = async () => {
    try {
      const answer = await fetch(standing.dataset.standing);
      if (!answer.ok) throw new Error(answer.status);
      const now = document.createElement("div");
      now.innerHTML = await answer.text();
      // Another state has other buttons, all over the page.
      if (stateOf(now) !== stateOf(standing)) return window.location.reload();
      if (!standing.contains(document.activeElement)) standing.replaceChildren(...now.childNodes);
    } catch (error) {
      console.warn("The progress could not be read; trying again.", error);
    }
    window.setTimeout(ask, 3000);
  };
  if (standing?.querySelector("[data-moves]")) window.setTimeout(ask, 3000);
});
