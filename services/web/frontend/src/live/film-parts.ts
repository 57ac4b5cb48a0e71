/** These bytes of a film, as they come. */
export async function rangeOf(uri: string, offset: number, size: number, signal: AbortSignal): Promise<Response> {
  const response = await fetch(uri, { headers: { Range: `bytes=${offset}-${offset + size - 1}` }, credentials: 'same-origin', signal });
  if (response.status !== 206) throw new Error(`${response.status} ${response.statusText}`);
  return response;
}

/** Until the buffer has taken in what it was given. */
export function updated(buffer: SourceBuffer): Promise<void> {
  if (!buffer.updating) return Promise.resolve();
  return new Promise((done, failed) => {
    const ended = (): void => {
      buffer.removeEventListener('updateend', ended);
      buffer.removeEventListener('error', broken);
      done();
    };
    const broken = (): void => {
      buffer.removeEventListener('updateend', ended);
      failed(new Error('the browser cannot decode this film'));
    };
    buffer.addEventListener('updateend', ended);
    buffer.addEventListener('error', broken, { once: true });
  });
}
