/** Small pictures, drawn once and kept: one for each way a thing can look. Shape tells the kind, colour the state. */
import type { LayerId } from '../state/layers';
import { lampOf, type Lamp } from '../state/reading';
import { laneLamp } from '../state/signals';
import type { Mark } from './marks';
import type { Ink } from './palette';

export type Look = Pick<Mark, 'layer' | 'grade' | 'lamps' | 'mode' | 'dim' | 'label' | 'late' | 'heads'>;
export type Sprite = { picture: CanvasImageSource; size: number };
type Draw = (ctx: CanvasRenderingContext2D, look: Look, ink: Ink) => void;

const SIZE = 48;
const KEPT_MAX = 2_000;
const TEXT = '700 10px Pretendard, "Noto Sans KR", "Noto Sans CJK KR", system-ui, sans-serif';

export class Sprites {
  #kept = new Map<string, Sprite>();

  constructor(private readonly ink: Ink, private readonly ratio: number) {}

  get(look: Look): Sprite {
    const label = MOVING.has(look.layer) ? '' : look.label;
    const key = `${look.layer}|${look.grade}|${look.lamps}|${look.mode}|${look.dim ? 1 : 0}|${label}|${look.heads.key}`;
    return this.#keep(key, () => paint(DRAW[look.layer], look, this.ink, this.ratio));
  }

  /** The line number that rides above a bus or a tram, upright whatever way it drives. */
  tag(look: Look): Sprite {
    const key = `tag|${look.layer}|${look.label}|${look.late ? 1 : 0}|${look.dim ? 1 : 0}`;
    return this.#keep(key, () => paint(drawTag, look, this.ink, this.ratio));
  }

  #keep(key: string, make: () => Sprite): Sprite {
    const found = this.#kept.get(key);
    if (found) return found;
    if (this.#kept.size >= KEPT_MAX) this.#kept.clear();
    const sprite = make();
    this.#kept.set(key, sprite);
    return sprite;
  }
}

export const MOVING: ReadonlySet<LayerId> = new Set<LayerId>(['car', 'bus', 'tram', 'bicycle']);

function paint(draw: Draw, look: Look, ink: Ink, ratio: number): Sprite {
  const picture = document.createElement('canvas');
  picture.width = picture.height = Math.ceil(SIZE * ratio);
  const ctx = picture.getContext('2d')!;
  ctx.scale(ratio, ratio);
  ctx.translate(SIZE / 2, SIZE / 2);
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.font = TEXT;
  draw(ctx, look, ink);
  return { picture, size: SIZE };
}

/** Filled and edged when it lives; hollow with a broken edge when its data is old. */
function fill(ctx: CanvasRenderingContext2D, look: Look, ink: Ink, color: string): void {
  ctx.lineWidth = look.dim ? 1.6 : 1.5;
  ctx.setLineDash(look.dim ? [2.5, 2] : []);
  ctx.fillStyle = look.dim ? ink.paper : color;
  ctx.strokeStyle = look.dim ? ink.dim : ink.edge;
  ctx.fill();
  ctx.stroke();
  ctx.setLineDash([]);
}

function body(w: number, h: number, radius: number): (ctx: CanvasRenderingContext2D) => void {
  return (ctx) => {
    ctx.beginPath();
    ctx.roundRect(-w / 2, -h / 2, w, h, radius);
  };
}

/** Vehicles are drawn heading north and turned when placed. */
function vehicle(kind: 'car' | 'bus' | 'tram', w: number, h: number): Draw {
  const shape = body(w, h, kind === 'car' ? 3 : 2.5);
  return (ctx, look, ink) => {
    shape(ctx);
    fill(ctx, look, ink, ink[kind]);
    ctx.fillStyle = look.dim ? ink.dim : ink.edge;
    ctx.globalAlpha = 0.85;
    ctx.fillRect(-w / 2 + 1.6, -h / 2 + 2.4, w - 3.2, 2);
    if (kind === 'tram') for (const y of [-3.5, 3.5]) ctx.fillRect(-w / 2, y, w, 1);
    ctx.globalAlpha = 1;
  };
}

const bicycle: Draw = (ctx, look, ink) => {
  ctx.beginPath();
  ctx.moveTo(0, -6);
  ctx.lineTo(4.2, 5);
  ctx.lineTo(0, 2.6);
  ctx.lineTo(-4.2, 5);
  ctx.closePath();
  fill(ctx, look, ink, ink.bicycle);
};

const pedestrian: Draw = (ctx, look, ink) => {
  ctx.beginPath();
  ctx.arc(0, 0, 3.2, 0, 2 * Math.PI);
  fill(ctx, look, ink, ink.pedestrian);
};

type Arc = { from: number; to: number; lamp: Lamp };
const HEAD_WIDTH = 0.95;

/** One arc a lane, where its approach lies; without known approaches one arc a letter, evenly. Radians from north. */
function arcs(look: Look): Arc[] {
  if (!look.heads.heads.length) {
    const letters = [...look.lamps].slice(0, 40);
    const step = (2 * Math.PI) / letters.length;
    return letters.map((letter, i) => ({ from: i * step + 0.05, to: (i + 1) * step - 0.05, lamp: lampOf(letter) }));
  }
  return look.heads.heads.flatMap(({ bearing, lanes }) => {
    const start = (bearing * Math.PI) / 180 - HEAD_WIDTH / 2;
    const step = HEAD_WIDTH / Math.max(1, lanes.length);
    return lanes.map((links, i) => ({ from: start + i * step, to: start + (i + 1) * step - 0.06, lamp: laneLamp(look.lamps, links) }));
  });
}

/** The lamps round a core that says who decides: the app, the fixed plan, or the fallback. */
const signal: Draw = (ctx, look, ink) => {
  ctx.beginPath();
  ctx.arc(0, 0, 11, 0, 7);
  ctx.fillStyle = ink.paper;
  ctx.fill();
  if (look.dim || !look.lamps) {
    ctx.beginPath();
    ctx.arc(0, 0, 8.5, 0, 7);
    ctx.strokeStyle = ink.dim;
    ctx.lineWidth = 2;
    ctx.setLineDash([2.5, 2]);
    ctx.stroke();
    ctx.setLineDash([]);
  } else {
    ctx.lineWidth = 4;
    for (const { from, to, lamp } of arcs(look)) {
      ctx.beginPath();
      ctx.arc(0, 0, 8, from - Math.PI / 2, to - Math.PI / 2);
      ctx.strokeStyle = ink.lamp[lamp];
      ctx.stroke();
    }
  }
  const color = look.mode === 'app' ? ink.app : look.mode === 'fallback' ? ink.fallback : ink.fixed;
  ctx.fillStyle = look.dim ? ink.dim : color;
  ctx.beginPath();
  if (look.mode === 'app') ctx.arc(0, 0, 3.6, 0, 7);
  else if (look.mode === 'fallback') triangle(ctx, 4.4);
  else ctx.rect(-2.8, -2.8, 5.6, 5.6);
  ctx.fill();
};

function triangle(ctx: CanvasRenderingContext2D, r: number): void {
  ctx.moveTo(0, -r);
  ctx.lineTo(r, r * 0.8);
  ctx.lineTo(-r, r * 0.8);
  ctx.closePath();
}

const incident: Draw = (ctx, look, ink) => {
  const accident = look.mode === 'RoadAccident';
  ctx.beginPath();
  if (accident) triangle(ctx, 14);
  else for (let i = 0; i < 10; i++) ctx.lineTo(Math.sin((i * Math.PI) / 5) * (i % 2 ? 6.5 : 14), -Math.cos((i * Math.PI) / 5) * (i % 2 ? 6.5 : 14));
  ctx.closePath();
  fill(ctx, look, ink, accident ? ink.alarm : ink.event);
  ctx.fillStyle = ink.edge;
  ctx.font = TEXT.replace('10px', '15px');
  if (accident) ctx.fillText('!', 0, 3);
};

const shapes: Record<'air' | 'noise' | 'weather' | 'sensor', (ctx: CanvasRenderingContext2D) => void> = {
  air: (ctx) => ctx.arc(0, 0, 11, 0, 7),
  noise: (ctx) => {
    ctx.moveTo(0, -13);
    for (const [x, y] of [[13, 0], [0, 13], [-13, 0]] as const) ctx.lineTo(x, y);
    ctx.closePath();
  },
  weather: (ctx) => ctx.roundRect(-14, -9, 28, 18, 6),
  sensor: (ctx) => ctx.arc(0, 0, 5.5, 0, 7),
};

function sensing(kind: keyof typeof shapes): Draw {
  return (ctx, look, ink) => {
    ctx.beginPath();
    shapes[kind](ctx);
    const color = kind === 'weather' ? ink.bus : kind === 'sensor' ? ink.place : ink.grade[look.grade];
    fill(ctx, look, ink, color);
    ctx.fillStyle = look.dim ? ink.dim : ink.edge;
    if (kind !== 'sensor') ctx.fillText(look.dim ? `${look.label}?` : look.label, 0, 0.5);
  };
}

const flow: Draw = (ctx, look, ink) => {
  body(6.5, 6.5, 1.5)(ctx);
  fill(ctx, look, ink, ink.grade[look.grade]);
};

function pin(letter: string, round: boolean, color: 'stop' | 'place' | 'alarm' | 'bus'): Draw {
  return (ctx, look, ink) => {
    ctx.beginPath();
    if (round) ctx.arc(0, 0, 6.5, 0, 7);
    else ctx.roundRect(-6.5, -6.5, 13, 13, 3);
    ctx.fillStyle = ink.paper;
    ctx.fill();
    ctx.strokeStyle = ink[color];
    ctx.lineWidth = 1.4;
    ctx.stroke();
    ctx.fillStyle = ink[color];
    ctx.font = TEXT.replace('10px', '8px');
    ctx.fillText(letter || look.label, 0, 0.5);
  };
}

const drawTag: Draw = (ctx, look, ink) => {
  const w = Math.max(15, ctx.measureText(look.label).width + 7);
  ctx.beginPath();
  ctx.roundRect(-w / 2, -7, w, 14, 4);
  ctx.fillStyle = ink.paper;
  ctx.fill();
  ctx.lineWidth = look.late ? 2 : 1.2;
  ctx.strokeStyle = look.dim ? ink.dim : look.late ? ink.late : ink[look.layer === 'tram' ? 'tram' : 'bus'];
  ctx.stroke();
  ctx.fillStyle = look.dim ? ink.dim : ink.ink;
  ctx.fillText(look.label, 0, 0.5);
};

export const DRAW: Readonly<Record<LayerId, Draw>> = {
  car: vehicle('car', 7, 13), bus: vehicle('bus', 9, 24), tram: vehicle('tram', 8.5, 32), bicycle, pedestrian, signal, incident, flow,
  air: sensing('air'), noise: sensing('noise'), weather: sensing('weather'), sensor: sensing('sensor'),
  stop: pin('', true, 'stop'), bikes: pin('⌁', false, 'place'), hydrant: pin('H', false, 'alarm'), entrance: pin('M', false, 'bus'),
};
