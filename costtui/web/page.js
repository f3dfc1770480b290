// The page around textual-serve's terminal: its address, its font, its focus, its end.
"use strict";
(() => {
  const start = window.onload;
  window.onload = async (event) => {
    const body = document.body;
    document.documentElement.style.setProperty("--back", body.dataset.back);
    document.documentElement.style.setProperty("--front", body.dataset.front);
    // By the address in the bar: a proxy or `ssh -L` may stand between us and the server.
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    document.getElementById("terminal").dataset.sessionWebsocketUrl =
      scheme + "//" + location.host + "/ws";
    document.getElementById("again").addEventListener("click", () => location.reload());
    // The terminal measures its cells once, so the font must be there before.
    try {
      await Promise.all([
        document.fonts.load("16px 'Roboto Mono'"),
        document.fonts.load("bold 16px 'Roboto Mono'"),
      ]);
    } catch (error) {
      console.warn("the font could not be loaded", error);
    }
    // Keys go to the terminal without a click. Not before its connection is open.
    new MutationObserver((_, observer) => {
      if (body.classList.contains("-first-byte")) {
        observer.disconnect();
        document.querySelector(".xterm-helper-textarea").focus();
      }
    }).observe(body, { attributes: true, attributeFilter: ["class"] });
    start(event);
  };
})();
