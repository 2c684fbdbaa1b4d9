// The side bar opens at the current page; results of a search show the line below each page's title.
document.addEventListener("DOMContentLoaded", () => {
  const bar = document.querySelector(".sidebar-scroll");
  const here = bar && bar.querySelector(".current-page");
  if (here) {
    const below = here.getBoundingClientRect().top - bar.getBoundingClientRect().top;
    const top = below - bar.clientHeight / 3;
    if (below > bar.clientHeight / 2) bar.scrollTo({ top, behavior: "instant" });
  }
  // Only what scrolls sideways is a stop of the keyboard; what is folded is not measured.
  document.querySelectorAll("article [tabindex='0']").forEach((box) => {
    if (box.closest("details:not([open])")) return;
    if (box.scrollWidth <= box.clientWidth) box.removeAttribute("tabindex");
  });
  const results = document.querySelector("#search-results");
  if (!results || !window.PAGE_SUBTITLES) return;
  const describe = (item) => {
    const link = item.querySelector("a");
    if (!link || item.querySelector(".subtitle")) return;
    const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
    const page = new URL(link.getAttribute("href"), location.href).href.slice(root.href.length);
    const text = window.PAGE_SUBTITLES[page.replace(/\.html.*$/, "")];
    if (!text) return;
    const line = document.createElement("p");
    line.className = "subtitle";
    line.textContent = text;
    item.append(line);
  };
  const update = () => results.querySelectorAll("ul.search > li").forEach(describe);
  new MutationObserver(update).observe(results, { childList: true, subtree: true });
});
