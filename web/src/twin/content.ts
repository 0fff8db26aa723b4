/** What a tile brings: buildings set on the map's ground, with the id of each point's building. */
import { BufferGeometry, Float32BufferAttribute, Matrix4, Mesh, Vector3, type BufferAttribute, type Material, type Object3D } from 'three';

export type Paint = { wall: Material; roof: Material };
type Metadata = { getPropertyTableData(table: number, id: number): { id: string; base: number }; tableAccessors: { count: number }[] };
type Told = { ids: string[]; bases: number[] };

const IDS = '_feature_id_0';

/** Prepares a tile's scene once: plain positions in metres, each building on the city's lowest ground (`low_m`), our materials. */
export function prepare(tile: Object3D, paint: Paint, low_m: number): void {
  const meshes: [Mesh, Matrix4][] = [];
  tile.traverse((one) => {
    if (one instanceof Mesh) meshes.push([one, within(one, tile)]);
  });
  const told = toldOf(meshes[0]?.[0]);
  const settled = new Map<unknown, Float32BufferAttribute>();
  for (const [mesh, matrix] of meshes) {
    const geometry = mesh.geometry as BufferGeometry;
    const raw = geometry.getAttribute('position') as BufferAttribute;
    if (!settled.has(raw)) settled.set(raw, onGround(raw, geometry.getAttribute(IDS) as BufferAttribute, matrix, told.bases, low_m));
    geometry.setAttribute('position', settled.get(raw)!);
    geometry.computeBoundingBox(); // the loader's are of the whole numbers
    geometry.computeBoundingSphere();
    mesh.material = (mesh.material as Material).name === 'roof' ? paint.roof : paint.wall;
    mesh.castShadow = mesh.receiveShadow = true;
    mesh.userData['ids'] = told.ids;
  }
  tile.traverse((one) => {
    if (one !== tile) plain(one);
  });
}

function within(mesh: Object3D, tile: Object3D): Matrix4 {
  const matrix = new Matrix4();
  for (let one: Object3D | null = mesh; one && one !== tile; one = one.parent) {
    one.updateMatrix();
    matrix.premultiply(one.matrix);
  }
  return matrix;
}

function plain(one: Object3D): void {
  one.position.set(0, 0, 0);
  one.quaternion.identity();
  one.scale.set(1, 1, 1);
  one.updateMatrix();
}

function toldOf(mesh: Mesh | undefined): Told {
  const metadata = mesh?.userData['structuralMetadata'] as Metadata | undefined;
  const count = metadata?.tableAccessors[0]?.count ?? 0;
  const rows = Array.from({ length: count }, (_, id) => metadata!.getPropertyTableData(0, id));
  return { ids: rows.map((row) => row.id), bases: rows.map((row) => row.base) };
}

/** The map is flat, so each building is let down from where it stands. glTF's y is up. */
function onGround(raw: BufferAttribute, ids: BufferAttribute, matrix: Matrix4, bases: number[], low_m: number): Float32BufferAttribute {
  const out = new Float32Array(raw.count * 3);
  const point = new Vector3();
  for (let i = 0; i < raw.count; i += 1) {
    point.fromBufferAttribute(raw, i).applyMatrix4(matrix);
    point.y -= (bases[ids.getX(i)] ?? low_m) - low_m;
    point.toArray(out, i * 3);
  }
  return new Float32BufferAttribute(out, 3);
}

/** The id of the building that a point of a mesh belongs to. */
export function idOf(mesh: Object3D, vertex: number): string | null {
  const ids = mesh.userData['ids'] as string[] | undefined;
  const geometry = (mesh as Mesh).geometry as BufferGeometry | undefined;
  return ids?.[geometry?.getAttribute(IDS)?.getX(vertex) ?? -1] ?? null;
}

/** The faces of one building in a mesh, as a geometry of its own; null when it is not in it. */
export function onlyOf(mesh: Mesh, id: string): BufferGeometry | null {
  const feature = ((mesh.userData['ids'] as string[] | undefined) ?? []).indexOf(id);
  const index = mesh.geometry.getIndex();
  if (feature < 0 || !index) return null;
  const of = mesh.geometry.getAttribute(IDS);
  const faces: number[] = [];
  for (let i = 0; i < index.count; i += 3) if (of.getX(index.getX(i)) === feature) faces.push(index.getX(i), index.getX(i + 1), index.getX(i + 2));
  if (!faces.length) return null;
  const out = new BufferGeometry();
  out.setAttribute('position', mesh.geometry.getAttribute('position'));
  out.setIndex(faces);
  return out;
}
