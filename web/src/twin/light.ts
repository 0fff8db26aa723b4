/** Sun and sky, and the ground that takes shadows. */
import { AmbientLight, DirectionalLight, Mesh, MeshBasicMaterial, PlaneGeometry, ShadowMaterial, Vector3, type Scene } from 'three';
import { daylight, directionOf, type Sun } from './sun';

const REACH_M = 900;
const SHADOW_PIXELS = 2_048;
const FAR_M = 3_000;
const SUN = 3.2;

export class Light {
  readonly #sun = new DirectionalLight(0xfff4e0, SUN);
  readonly #sky = new AmbientLight(0xdfe8ff, 1.5);
  readonly #ground = new Mesh(new PlaneGeometry(2 * FAR_M, 2 * FAR_M), new ShadowMaterial({ opacity: 0.34, depthWrite: false }));
  readonly #night = new Mesh(new PlaneGeometry(2 * FAR_M, 2 * FAR_M), new MeshBasicMaterial({ color: 0x050a1c, transparent: true, depthWrite: false }));

  constructor(scene: Scene) {
    this.#sun.shadow.mapSize.set(SHADOW_PIXELS, SHADOW_PIXELS);
    Object.assign(this.#sun.shadow.camera, { left: -REACH_M, right: REACH_M, top: REACH_M, bottom: -REACH_M, near: 10, far: 2 * FAR_M });
    this.#sun.shadow.bias = -0.0004;
    this.#sun.shadow.autoUpdate = false;
    this.#ground.receiveShadow = true;
    this.#ground.renderOrder = -1;
    this.#night.renderOrder = -2;
    scene.add(this.#sun, this.#sun.target, this.#sky, this.#ground, this.#night);
  }

  /** Shadows are drawn again only when the sun, the tiles or the middle of the map moved. */
  set(sun: Sun | null, middle: Vector3, shadows: boolean): void {
    const shown = sun ?? { azimuth: 160, elevation: 45 };
    const day = daylight(shown);
    const [east, north, up] = directionOf(shown);
    this.#sun.target.position.copy(middle);
    this.#sun.position.set(east, north, Math.max(up, 0.02)).multiplyScalar(FAR_M).add(middle);
    this.#sun.intensity = SUN * day;
    this.#sun.castShadow = shadows && shown.elevation > 0;
    this.#sky.intensity = 0.9 + 0.9 * day;
    (this.#ground.material as ShadowMaterial).opacity = 0.34 * day;
    (this.#night.material as MeshBasicMaterial).opacity = 0.42 * (1 - day);
    this.#night.visible = day < 1;
    for (const plane of [this.#ground, this.#night]) plane.position.set(middle.x, middle.y, 0.02);
    this.again();
  }

  again(): void {
    this.#sun.shadow.needsUpdate = true;
  }
}
