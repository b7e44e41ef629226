// What pages gain with JavaScript: they follow the record without being loaded again, and charts go on live. Nothing needs it.
"use strict";

// A page that is taken over anew keeps what the owner has opened or typed, and charts keep their drawing.
const isTyped = (node) => node.tagName === "INPUT" && node.value !== node.defaultValue;
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(node.tagName === "DETAILS" && name === "open");
Idiomorph.defaults.callbacks.beforeNodeMorphed = (old) => !(old.nodeType === 1 && (old.classList.contains("live-plot") || isTyped(old)));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const charts = new Map();

function options(box) {
  const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const line = (label, name) => ({ label, stroke: colour(name), fill: colour(name) + "38", width: 1.5, points: { show: false } });
  return {
    width: box.clientWidth, height: 190, legend: { show: false }, cursor: { y: false },
    scales: { y: { range: (_, low, high) => [0, Math.max(10, high * 1.08)] } },
    axes: [{ ...axis, size: 28, space: 80, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => tick >= 10000 ? tick / 1000 + "k" : tick) }],
    series: [{}, line("sent", "--new"), line("stopped", "--bad")],
  };
}

async function draw(box) {
  let numbers;
  try {
    const answer = await fetch(box.dataset.href, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    numbers = await answer.json();
  } catch {
    return; // The gateway restarts, or the phone sleeps: the next turn tries again.
  }

  if (numbers.time.length < 2) return;
  // Where nothing was stopped there is no red line along the ground.
  const data = [numbers.time, numbers.sent, numbers.stopped.some((count) => count > 0) ? numbers.stopped : numbers.stopped.map(() => null)];
  const chart = charts.get(box);
  if (chart) {
    chart.setData(data);
    return;
  }

  box.replaceChildren();
  box.classList.add("live-plot");
  charts.set(box, new uPlot(options(box), data, box));
}

function drawAll() {
  for (const box of charts.keys()) if (!box.isConnected) charts.delete(box);
  if (!document.hidden) for (const box of document.querySelectorAll(".plot")) draw(box);
}

addEventListener("resize", () => { for (const [box, chart] of charts) chart.setSize({ width: box.clientWidth, height: 190 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const [box, chart] of charts) { chart.destroy(); charts.delete(box); }
  drawAll();
});
setInterval(drawAll, 2000);
drawAll();
