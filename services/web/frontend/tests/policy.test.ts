import { describe, expect, it } from 'vitest';

import { backoffMs, catchUp, firstWay, hasSound, latencyS, nextWay, otherWayHelps, readLiveText, trim, type Way } from '../src/live/policy';
import { onsetS, playFromS } from '../src/live/clip';

const buffered = [{ start: 0, end: 20 }];

describe('the playhead of a live picture', () => {
  it('plays at normal speed near the newest picture', () => {
    expect(catchUp(19.6, buffered, 1, true)).toEqual({ kind: 'play', rate: 1 });
  });
  it('hurries when more than a second behind, until it is really near', () => {
    expect(catchUp(18.8, buffered, 1, true)).toEqual({ kind: 'play', rate: 1.1 });
    expect(catchUp(19.3, buffered, 1.1, true)).toEqual({ kind: 'play', rate: 1.1 });
    expect(catchUp(19.7, buffered, 1.1, true)).toEqual({ kind: 'play', rate: 1 });
  });
  it('jumps when more than three seconds behind', () => {
    expect(catchUp(16.5, buffered, 1, true)).toEqual({ kind: 'jump', to: 19.85 });
  });
  it('starts a new viewer at the end of the group of pictures, not at its beginning', () => {
    expect(catchUp(18.5, buffered, 1, false)).toEqual({ kind: 'jump', to: 19.85 });
  });
  it('jumps out of a hole and back from beyond the end', () => {
    expect(catchUp(4, [{ start: 8, end: 8.1 }], 1, true)).toEqual({ kind: 'jump', to: 8 });
    expect(catchUp(21, buffered, 1, true)).toEqual({ kind: 'jump', to: 19.85 });
  });
  it('does nothing without a buffer', () => {
    expect(catchUp(0, [], 1, true)).toEqual({ kind: 'play', rate: 1 });
    expect(latencyS(0, [], 40)).toBeNull();
  });
});

describe('the buffer', () => {
  it('keeps ten seconds behind the playhead and is trimmed in steps', () => {
    expect(trim(13, buffered)).toBeNull();
    expect(trim(14, buffered)).toEqual({ start: 0, end: 4 });
  });
  it('tells how old the picture is, the part under way included', () => {
    expect(latencyS(19.5, buffered, 100)).toBeCloseTo(0.6);
  });
});

describe('reconnecting', () => {
  it('doubles up to fifteen seconds and never waits less than three quarters of that', () => {
    expect([0, 1, 2, 3, 9].map((n) => backoffMs(n, () => 0))).toEqual([400, 800, 1600, 3200, 15_000]);
    expect(backoffMs(1000, () => 1)).toBe(11_250);
  });
});

describe('text frames of the live socket', () => {
  it('reads codec, skip, and both forms of a state', () => {
    expect(readLiveText('{"codec":"video/mp4; codecs=\\"avc1.42c01f\\""}')).toEqual({ kind: 'codec', mime: 'video/mp4; codecs="avc1.42c01f"', stream: '' });
    expect(readLiveText('{"codec":"x","stream":"remote"}')).toMatchObject({ stream: 'remote' });
    expect(readLiveText('{"codec":"x","stream":"surprise"}')).toMatchObject({ stream: '' });
    expect(readLiveText('{"refused":{"code":"too_many_viewers","message":"No."}}')).toEqual({ kind: 'refused', code: 'too_many_viewers', message: 'No.' });
    expect(readLiveText('{"skip":true}')).toEqual({ kind: 'skip' });
    expect(readLiveText('{"state":{"condition":"offline","reason":"no route","since_ms":7}}')).toEqual({ kind: 'state', condition: 'offline', reason: 'no route', sinceMs: 7 });
    expect(readLiveText('{"state":"online"}')).toMatchObject({ kind: 'state', condition: 'online' });
  });
  it.each(['', 'null', '[]', '{', '{"state":null}', '{"later":1}'])('takes %j for nothing it knows', (text) => {
    expect(readLiveText(text)).toEqual({ kind: 'unknown' });
  });
});

describe('a clip', () => {
  it('starts five seconds before the event, and at the start of a shorter pre-roll', () => {
    expect(playFromS(12_000)).toBe(7);
    expect(playFromS(4_200)).toBe(0);
    expect(playFromS(null)).toBe(0);
  });
  it('marks the onset only where it is known', () => {
    expect(onsetS(5_200)).toBe(5.2);
    expect(onsetS(null)).toBeNull();
    expect(onsetS(-1)).toBeNull();
  });
});

describe('the way a live picture gets on the screen', () => {
  const all = (start: Way, nativeHls: boolean): string[] => {
    const found: string[] = [];
    for (let way: Way | null = start; way; way = nextWay(way, '', nativeHls)) found.push(way.by === 'mse' ? way.stream : way.by);
    return found;
  };
  it('starts with media source extensions where there are any', () => {
    expect(firstWay('sub', true, true)).toEqual({ by: 'mse', stream: 'sub' });
    expect(firstWay('sub', false, true)).toEqual({ by: 'hls' });
    expect(firstWay('main', false, false)).toEqual({ by: 'mjpeg' });
  });
  it('asks for H.264, then for HLS, then for pictures, and ends', () => {
    expect(all({ by: 'mse', stream: 'main' }, false)).toEqual(['main', 'h264', 'mjpeg', 'stills']);
    expect(all({ by: 'mse', stream: 'sub' }, true)).toEqual(['sub', 'h264', 'hls', 'mjpeg', 'stills']);
  });
  it('does not ask for a conversion of what is converted already', () => {
    expect(nextWay({ by: 'mse', stream: 'main' }, 'remote', false)).toEqual({ by: 'mjpeg' });
  });
  it('goes on only when the stream was refused, not the viewer', () => {
    expect(otherWayHelps('too_many_transcodes')).toBe(true);
    expect(otherWayHelps('too_many_remote_viewers')).toBe(false);
  });
  it('knows from the codecs whether there is sound', () => {
    expect(hasSound('video/mp4; codecs="avc1.64001f, mp4a.40.2"')).toBe(true);
    expect(hasSound('video/mp4; codecs="avc1.64001f"')).toBe(false);
  });
});
