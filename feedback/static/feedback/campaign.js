// The bar on the page of a running campaign moves by itself; without this script reloading the page does it.
document.addEventListener("DOMContentLoaded", () => {
  const bar = document.querySelector("progress[data-address]");
  if (!bar) return;
  const ask = async () => {
    try {
      const answer = await fetch(bar.dataset.address, {headers: {Accept: "application/json"}});
      const progress = await answer.json();
      if (progress.state !== bar.dataset.state) return window.location.reload();
      bar.value = progress.percent;
      document.getElementById("campaign-progress").textContent = progress.text;
    } catch (error) {
      console.warn("The progress could not be read; trying again.", error);
    }
    window.setTimeout(ask, 3000);
  };
  window.setTimeout(ask, 3000);
});
