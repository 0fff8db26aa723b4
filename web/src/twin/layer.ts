/** The city's buildings in three dimensions, as a layer of the map: the only file that loads three.js, so that it comes as a chunk of its own. */
import { TilesRenderer, WGS84_ELLIPSOID } from '3d-tiles-renderer/three';
import { GLTFExtensionsPlugin } from '3d-tiles-renderer/three/plugins';
import type { CustomLayerInterface, CustomRenderMethodInput, Map as BaseMap } from 'maplibre-gl';
import {
  BackSide, BufferGeometry, Color, DoubleSide, Group, Line, LineBasicMaterial, Matrix4, Mesh, MeshBasicMaterial, MeshLambertMaterial, PCFShadowMap,
  PerspectiveCamera, Plane, Raycaster, Scene, Vector2, Vector3, WebGLRenderer, type Material, type Object3D,
} from 'three';
import { address } from '../api/http';
import { follow, localOf, placeOf, toMercator, type Anchor } from './camera';
import { idOf, onlyOf, prepare } from './content';
import { Light } from './light';
import type { Point } from './measure';
import type { Sun } from './sun';

export type Looks = { dark: boolean; sun: Sun | null; shadows: boolean; opacity: number; cut_m: number | null; selected: string | null; points: readonly Point[] };
export type Picked = { id: string | null; point: Point };
export type Told = { drawn: number; settled: boolean; failure: string };

const ANCHOR_MOVES_M = 1_000;
const ERROR_PIXELS = 16;
const SKY_M = 1_000;
const INK = { light: { wall: 0xe9e4da, roof: 0xcf9a82 }, dark: { wall: 0x9aa6b5, roof: 0x94776d } };

export class TwinLayer implements CustomLayerInterface {
  readonly id = 'twin';
  readonly type = 'custom' as const;
  readonly renderingMode = '3d' as const;
  readonly #scene = new Scene();
  readonly #camera = new PerspectiveCamera();
  readonly #tiles: TilesRenderer;
  readonly #light: Light;
  readonly #cut = new Plane(new Vector3(0, 0, -1), 0);
  readonly #paint = { wall: this.#material('wall'), roof: this.#material('roof') };
  readonly #chosen = new Group();
  readonly #line = new Line(new BufferGeometry(), new LineBasicMaterial({ color: 0xd6006c, depthTest: false }));
  #map!: BaseMap;
  #renderer: WebGLRenderer | null = null;
  #anchor: Anchor = { longitude: 0, latitude: 0 };
  #placed = new Matrix4();
  #looks: Looks = { dark: false, sun: null, shadows: true, opacity: 1, cut_m: null, selected: null, points: [] };
  #failure = '';

  constructor(private readonly tell: (told: Told) => void) {
    this.#light = new Light(this.#scene);
    this.#camera.matrixAutoUpdate = this.#camera.matrixWorldAutoUpdate = false;
    this.#tiles = new TilesRenderer(address('/twin/tileset.json').href);
    this.#tiles.registerPlugin(new GLTFExtensionsPlugin({ metadata: true }));
    this.#tiles.errorTarget = ERROR_PIXELS;
    this.#tiles.accelerateRaycast = false; // the volumes of tiles know nothing of the map's flat ground

    this.#tiles.fetchOptions = { credentials: 'same-origin' };
    this.#line.renderOrder = 2;
    this.#line.frustumCulled = false;
    this.#scene.add(this.#tiles.group, this.#chosen, this.#line);
    this.#hear();
  }

  onAdd(map: BaseMap, gl: WebGLRenderingContext | WebGL2RenderingContext): void {
    this.#map = map;
    this.#renderer = new WebGLRenderer({ canvas: map.getCanvas(), context: gl as WebGL2RenderingContext });
    this.#renderer.autoClear = false;
    this.#renderer.localClippingEnabled = true;
    this.#renderer.shadowMap.enabled = true;
    this.#renderer.shadowMap.type = PCFShadowMap;
    this.#tiles.setCamera(this.#camera);
    this.#drop();
    this.show(this.#looks);
  }

  onRemove(): void {
    this.#tiles.deleteCamera(this.#camera);
    this.#renderer = null;
  }

  /** Gives back what the tiles hold; the layer is not used again. */
  dispose(): void {
    this.#tiles.dispose();
  }

  show(looks: Looks): void {
    const [before, dark] = [this.#looks, looks.dark];
    this.#looks = looks;
    for (const name of ['wall', 'roof'] as const) {
      const paint = this.#paint[name];
      paint.color = new Color(INK[dark ? 'dark' : 'light'][name]);
      paint.opacity = looks.opacity;
      if (paint.transparent !== looks.opacity < 1) paint.needsUpdate = true;
      paint.transparent = looks.opacity < 1;
      paint.clippingPlanes = looks.cut_m === null ? null : [this.#cut];
    }
    this.#cut.constant = looks.cut_m ?? 0;
    if (before.selected !== looks.selected) this.#choose();
    this.#line.geometry.setFromPoints(looks.points.map((p) => localOf(this.#anchor, p.longitude, p.latitude, p.height_m + 0.2)));
    this.#light.set(looks.sun, this.#middle(), looks.shadows);
    this.#map?.triggerRepaint();
  }

  render(_: WebGLRenderingContext | WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    if (!this.#renderer) return;
    const { width, height } = this.#map.getCanvas();
    if (this.#middle().length() > ANCHOR_MOVES_M) this.#drop();
    follow(this.#camera, this.#map, input.defaultProjectionData.mainMatrix as ArrayLike<number>, this.#anchor, this.#placed);
    this.#tiles.setResolution(this.#camera, width, height);
    this.#tiles.update();
    this.#renderer.resetState();
    this.#renderer.setViewport(0, 0, width, height);
    this.#renderer.render(this.#scene, this.#camera);
    this.#renderer.resetState();
  }

  /** The nearest building under a point of the screen, or the ground there. */
  pick(x: number, y: number): Picked {
    const { clientWidth, clientHeight } = this.#map.getCanvas();
    const ray = new Raycaster();
    ray.setFromCamera(new Vector2((x / clientWidth) * 2 - 1, 1 - (y / clientHeight) * 2), this.#camera);
    const cut = this.#looks.cut_m;
    const hit = ray.intersectObject(this.#tiles.group, true).find((one) => cut === null || one.point.z <= cut);
    if (hit?.face) return { id: idOf(hit.object, hit.face.a), point: placeOf(this.#anchor, hit.point) };
    const { lng, lat } = this.#map.unproject([x, y]);
    return { id: null, point: { longitude: lng, latitude: lat, height_m: 0 } };
  }

  /** Whether somebody can stand there: nothing is above the ground. */
  isOpen(longitude: number, latitude: number): boolean {
    const above = localOf(this.#anchor, longitude, latitude, SKY_M);
    const ray = new Raycaster(above, new Vector3(0, 0, -1), 0, SKY_M - 0.5);
    return ray.intersectObject(this.#tiles.group, true).length === 0;
  }

  #material(name: string): MeshLambertMaterial {
    return new MeshLambertMaterial({ name, flatShading: true, side: DoubleSide, shadowSide: BackSide, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 });
  }

  #middle(): Vector3 {
    const { lng, lat } = this.#map?.getCenter() ?? { lng: this.#anchor.longitude, lat: this.#anchor.latitude };
    return localOf(this.#anchor, lng, lat, 0);
  }

  /** The anchor follows the middle of the map: near it the flat frame is exact. */
  #drop(): void {
    const { lng, lat } = this.#map.getCenter();
    this.#anchor = { longitude: lng, latitude: lat };
    this.#placed = toMercator(this.#anchor);
    const frame = WGS84_ELLIPSOID.getEastNorthUpFrame((lat * Math.PI) / 180, (lng * Math.PI) / 180, this.#low(), new Matrix4()).invert();
    const { group } = this.#tiles;
    frame.decompose(group.position, group.quaternion, group.scale);
    group.updateMatrixWorld(true);
    this.#choose();
    this.show(this.#looks);
  }

  /** The lowest ground of the city: there lies the map, and each building is let down to it. */
  #low(): number {
    return (this.#tiles.root?.boundingVolume as { region?: number[] } | undefined)?.region?.[4] ?? 0;
  }

  #choose(): void {
    this.#chosen.clear();
    const { selected } = this.#looks;
    if (!selected) return;
    const ink: Material = new MeshBasicMaterial({ color: 0x0b50d0, transparent: true, opacity: 0.6, side: DoubleSide });
    this.#tiles.group.traverseVisible((one: Object3D) => {
      const faces = one instanceof Mesh ? onlyOf(one, selected) : null;
      if (!faces) return;
      const shape = new Mesh(faces, ink);
      shape.matrixAutoUpdate = false;
      shape.matrix.copy(one.matrixWorld);
      this.#chosen.add(shape);
    });
  }

  #hear(): void {
    const again = (): void => this.#map?.triggerRepaint();
    this.#tiles.addEventListener('load-tileset', () => this.#map && this.#drop());
    this.#tiles.addEventListener('load-model', (event) => {
      prepare(event.scene, this.#paint, this.#low());
      again();
    });
    this.#tiles.addEventListener('tile-visibility-change', () => {
      this.#light.again();
      this.#choose();
      this.#tell(false);
      again();
    });
    this.#tiles.addEventListener('load-error', (event) => {
      this.#failure = event.error?.message ?? String(event.url);
      this.#tell(true);
    });
    this.#tiles.addEventListener('needs-update', again);
    this.#tiles.addEventListener('tiles-load-end', () => this.#tell(true));
  }

  #tell(settled: boolean): void {
    const ids = new Set<string>();
    this.#tiles.group.traverse((one) => (one.userData['ids'] as string[] | undefined)?.forEach((id) => ids.add(id)));
    this.tell({ drawn: ids.size, settled, failure: this.#failure });
  }
}
