// ui.js -- what the page does once it is there.
const answer = await fetch("/readyz");
const ready = await answer.json();
document.getElementById("ready").textContent = answer.ok ? `It is ${ready.status}.` : ready.detail;
