/** The server takes JPEGs of at most 45,000 bytes: the model looks at 224 pixels, so nothing is lost. */
const SIDES_PX = [512, 400, 320, 256];
const MAX_BYTES = 45_000;
const MAX_FILE_BYTES = 50_000_000;
const QUALITY = 0.85;

/** A photo as it is sent: smaller, JPEG, base64. Throws an Error with `unusable` for what is none. */
export async function photoOf(file: File, unusable: string): Promise<string> {
  if (file.size > MAX_FILE_BYTES) throw new Error(unusable);
  for (const side of SIDES_PX) {
    const jpeg = await smaller(file, side, unusable);
    if (jpeg.size <= MAX_BYTES) return base64(new Uint8Array(await jpeg.arrayBuffer()));
  }
  throw new Error(unusable);
}

async function smaller(file: File, side: number, unusable: string): Promise<Blob> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) throw new Error(unusable);
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error(unusable))), 'image/jpeg', QUALITY);
  });
}

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
