/** The connection: messages out, messages in, and a new one when it is lost. */

const AGAIN = 800; // milliseconds before the next attempt

export class Wire {
  /** @param {string} token @param {string} session @param {(message: any) => void} receive @param {(open: boolean) => void} opened */
  constructor(token, session, receive, opened) {
    this.address = `ws://${location.host}/wire?token=${encodeURIComponent(token)}&session=${encodeURIComponent(session)}`;
    this.receive = receive;
    this.opened = opened;
    /** @type {string[]} */
    this.waiting = [];
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(this.address);
    this.socket.onopen = () => {
      this.opened(true);
      for (const text of this.waiting.splice(0)) this.socket?.send(text);
    };
    this.socket.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.socket.onclose = (event) => {
      this.opened(false);
      if (event.code !== 1008 && event.code !== 1013) setTimeout(() => this.connect(), AGAIN);
    };
  }

  /** @param {string} type @param {object} values */
  send(type, values = {}) {
    const text = JSON.stringify({ type, ...values });
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
    else if (type !== "ack") this.waiting.push(text);
  }
}
