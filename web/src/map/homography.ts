/**
 * The ground is a plane and the camera sees it in perspective, so one 3x3 matrix takes any place to the screen.
 * It is found once a frame from four corners; after that a vehicle costs a dozen multiplications. Pure.
 */

export type Pair = readonly [number, number];
export type Homography = readonly [number, number, number, number, number, number, number, number];

/** Mercator, with the city's middle as origin and metres-like scale, so that float error stays below a pixel. */
export type Frame = { x: number; y: number; scale: number };

export function mercator(lon: number, lat: number): Pair {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [lon / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

export function toFrame(frame: Frame, lon: number, lat: number): Pair {
  const [x, y] = mercator(lon, lat);
  return [(x - frame.x) * frame.scale, (y - frame.y) * frame.scale];
}

export function frameAt(lon: number, lat: number): Frame {
  const [x, y] = mercator(lon, lat);
  return { x, y, scale: 40_000 };
}

/** Solve for the eight unknowns by elimination with pivoting; null when the corners lie on a line. */
export function homography(from: readonly Pair[], to: readonly Pair[]): Homography | null {
  const rows: number[][] = [];
  for (let i = 0; i < 4; i++) {
    const [x, y] = from[i]!;
    const [u, v] = to[i]!;
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  }
  for (let column = 0; column < 8; column++) {
    let best = column;
    for (let row = column + 1; row < 8; row++) if (Math.abs(rows[row]![column]!) > Math.abs(rows[best]![column]!)) best = row;
    [rows[column], rows[best]] = [rows[best]!, rows[column]!];
    const pivot = rows[column]!;
    if (Math.abs(pivot[column]!) < 1e-12) return null;
    for (let row = 0; row < 8; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / pivot[column]!;
      for (let k = column; k < 9; k++) rows[row]![k]! -= factor * pivot[k]!;
    }
  }
  return rows.map((row, i) => row[8]! / row[i]!) as unknown as Homography;
}

/** Screen place into `out`; false when it lies behind the camera. */
export function project(h: Homography, x: number, y: number, out: { x: number; y: number }): boolean {
  const w = h[6] * x + h[7] * y + 1;
  if (w <= 1e-9) return false;
  out.x = (h[0] * x + h[1] * y + h[2]) / w;
  out.y = (h[3] * x + h[4] * y + h[5]) / w;
  return true;
}
