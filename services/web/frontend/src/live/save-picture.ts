const QUALITY = 0.92;

/** Saves what is on the screen as a JPEG; nothing when there is no picture yet. */
export function savePicture(shown: HTMLVideoElement | HTMLImageElement, name: string): void {
  const width = 'videoWidth' in shown ? shown.videoWidth : shown.naturalWidth;
  const height = 'videoHeight' in shown ? shown.videoHeight : shown.naturalHeight;
  if (!width || !height) return;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.drawImage(shown, 0, 0);
  canvas.toBlob(
    (blob) => {
      if (!blob) return;
      const link = document.createElement('a');
      link.href = URL.createObjectURL(blob);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    },
    'image/jpeg',
    QUALITY,
  );
}
