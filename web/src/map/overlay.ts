/**
 * Draws the marks on a canvas above the base map. The base map rests while nothing but vehicles moves, so a control room
 * without a graphics card stays usable; each drawing may take at most an eighth of the time until the next.
 */
import type { LayerId } from '../state/layers';
import { homography, project, toFrame, type Homography, type Pair } from './homography';
import { at, type Mark, type Marks } from './marks';
import { MOVING, type Sprites } from './sprites';

export type Camera = {
  width: number;
  height: number;
  zoom: number;
  unproject: (x: number, y: number) => Pair;
};
export type Scene = { shown: Readonly<Record<LayerId, boolean>>; dead: boolean; selected: string | null; ring: string };

/** From the ground up: what must not be hidden comes last. */
const ORDER: readonly LayerId[] = ['flow', 'hydrant', 'entrance', 'bikes', 'stop', 'sensor', 'pedestrian', 'car', 'bicycle', 'bus', 'tram', 'signal', 'noise', 'air', 'weather', 'incident'];
const FROM_ZOOM: Partial<Record<LayerId, number>> = { pedestrian: 14, flow: 14.6, hydrant: 14.5, entrance: 14, bikes: 13.5, stop: 15 };
const TAG_ZOOM = 14.6;
const MARGIN_PX = 30;
const HIT_PX = 18;

export class Overlay {
  readonly #spot = { x: 0, y: 0 };
  /** Pictures placed at the last drawing: the unit in which the cost of a frame is tested. */
  placed = 0;

  constructor(private readonly marks: Marks) {}

  draw(ctx: CanvasRenderingContext2D, sprites: Sprites, camera: Camera, scene: Scene, now: number, ratio: number): void {
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, camera.width * ratio, camera.height * ratio);
    this.placed = 0;
    const view = this.#view(camera);
    if (!view) return;
    for (const layer of ORDER) {
      const visible = scene.shown[layer] && camera.zoom >= (FROM_ZOOM[layer] ?? 0);
      for (const mark of this.marks.byLayer.get(layer)?.values() ?? []) {
        mark.seen = visible && this.#locate(view, mark, camera, now);
        if (mark.seen) this.#place(ctx, sprites, view, mark, camera, scene, ratio, now);
      }
    }
    this.#ring(ctx, scene, ratio);
  }

  /** The mark nearest to a point of the screen; later layers win a tie because they lie on top. */
  hit(x: number, y: number, reach = HIT_PX): Mark | null {
    let best: Mark | null = null;
    let nearest = reach;
    for (const mark of this.visible()) {
      const distance = Math.hypot(mark.sx - x, mark.sy - y);
      if (distance <= nearest) [best, nearest] = [mark, distance];
    }
    return best;
  }

  *visible(): Generator<Mark> {
    for (const layer of ORDER) for (const mark of this.marks.byLayer.get(layer)?.values() ?? []) if (mark.seen) yield mark;
  }

  #view(camera: Camera): Homography | null {
    const { width: w, height: h } = camera;
    const corners: Pair[] = [[0, 0], [w, 0], [w, h], [0, h]];
    const ground = corners.map(([x, y]) => toFrame(this.marks.frame, ...camera.unproject(x, y)));
    return homography(ground, corners);
  }

  #locate(view: Homography, mark: Mark, camera: Camera, now: number): boolean {
    const [x, y] = at(mark, now);
    if (!project(view, x, y, this.#spot)) return false;
    mark.sx = this.#spot.x;
    mark.sy = this.#spot.y;
    return mark.sx > -MARGIN_PX && mark.sy > -MARGIN_PX && mark.sx < camera.width + MARGIN_PX && mark.sy < camera.height + MARGIN_PX;
  }

  #place(ctx: CanvasRenderingContext2D, sprites: Sprites, view: Homography, mark: Mark, camera: Camera, scene: Scene, ratio: number, now: number): void {
    const moving = MOVING.has(mark.layer);
    const look = scene.dead && !mark.dim ? { ...mark, dim: true } : mark;
    const { picture, size } = sprites.get(look);
    const grow = Math.min(1.5, Math.max(0.62, 2 ** ((camera.zoom - 16) * (moving ? 0.5 : 0.3))));
    const k = ratio * grow;
    const angle = moving || mark.layer === 'signal' ? this.#turn(view, mark, now) : 0;
    const cos = Math.cos(angle) * k;
    const sin = Math.sin(angle) * k;
    ctx.setTransform(cos, sin, -sin, cos, mark.sx * ratio, mark.sy * ratio);
    ctx.drawImage(picture, -size / 2, -size / 2, size, size);
    this.placed += 1;
    if (!mark.label || camera.zoom < TAG_ZOOM || (mark.layer !== 'bus' && mark.layer !== 'tram')) return;
    const tag = sprites.tag(look);
    ctx.setTransform(ratio, 0, 0, ratio, mark.sx * ratio, (mark.sy - 16 * grow) * ratio);
    ctx.drawImage(tag.picture, -tag.size / 2, -tag.size / 2, tag.size, tag.size);
    this.placed += 1;
  }

  /** Where the nose points on the screen, tilt and rotation of the camera included. */
  #turn(view: Homography, mark: Mark, now: number): number {
    const [x, y] = at(mark, now);
    const heading = (mark.heading * Math.PI) / 180;
    project(view, x + Math.sin(heading) * 0.01, y - Math.cos(heading) * 0.01, this.#spot);
    return Math.atan2(this.#spot.x - mark.sx, mark.sy - this.#spot.y);
  }

  #ring(ctx: CanvasRenderingContext2D, scene: Scene, ratio: number): void {
    const mark = scene.selected ? this.marks.find(scene.selected) : null;
    if (!mark?.seen) return;
    ctx.setTransform(ratio, 0, 0, ratio, mark.sx * ratio, mark.sy * ratio);
    ctx.beginPath();
    ctx.arc(0, 0, 20, 0, 7);
    ctx.lineWidth = 3;
    ctx.strokeStyle = scene.ring;
    ctx.stroke();
  }
}
