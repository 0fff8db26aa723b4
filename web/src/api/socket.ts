/** The WebSocket that never gives up: reconnects with back-off, subscribes again, hands frames on. */
import { backoffMs, SILENCE_MAX_MS, type Link } from '../state/connection';
import { address } from './http';

export type Frame = { op: string } & Record<string, unknown>;
export type Subscription = { id: string; types: string[] };
type Handlers = { frame: (frame: Frame) => void; link: (link: Link) => void };

/** An open socket that stays silent this long is given up: a half-dead line looks open for minutes. */
const GIVE_UP_MS = SILENCE_MAX_MS * 3;

export class CitySocket {
  #socket: WebSocket | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #subscriptions: Subscription[] = [];
  #ended = false;

  constructor(private readonly handlers: Handlers) {
    addEventListener('online', () => this.#retryNow());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.#retryNow());
  }

  start(subscriptions: Subscription[]): void {
    this.#subscriptions = subscriptions;
    this.#connect();
  }

  subscribe(subscription: Subscription): void {
    this.#subscriptions.push(subscription);
    if (this.#socket?.readyState === WebSocket.OPEN) this.#ask(subscription);
  }

  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#socket?.close();
  }

  #connect(): void {
    if (this.#ended) return;
    this.handlers.link('connecting');
    const url = address('/ws');
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#alive(socket);
    socket.onopen = () => {
      this.handlers.link('open');
      for (const subscription of this.#subscriptions) this.#ask(subscription);
    };
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#alive(socket);
      this.#attempt = 0;
      this.handlers.frame(JSON.parse(event.data) as Frame);
    };
    socket.onclose = () => this.#lost(socket);
  }

  #ask(subscription: Subscription): void {
    this.#socket?.send(JSON.stringify({ op: 'subscribe', format: 'concise', ...subscription }));
  }

  #alive(socket: WebSocket): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      socket.close();
      this.#lost(socket);
    }, GIVE_UP_MS);
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearTimeout(this.#watch);
    this.handlers.link('closed');
    this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt++, Math.random()));
  }

  #retryNow(): void {
    if (this.#socket || this.#ended) return;
    clearTimeout(this.#timer);
    this.#connect();
  }
}
