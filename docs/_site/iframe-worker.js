// A page that was opened from a disk may not start a worker. The search index is then worked on in a hidden frame instead, which
// looks like a worker to both sides. (The plugin "offline" would fetch a script for this from elsewhere; by the name of this file
// it knows that there is one.)
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #ready;

    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      const inside = frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = address;
      this.#ready = new Promise((resolve) => script.addEventListener("load", () => resolve(inside)));
      inside.document.body.append(script);
    }

    postMessage(data) {
      this.#ready.then((inside) => inside.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
