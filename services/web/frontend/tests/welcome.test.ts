import { describe, expect, it } from 'vitest';

import { match } from '../src/router';
import { cameraId, withLogin } from '../src/welcome';

describe('the login of a camera', () => {
  it('replaces the one that the address came with, and is escaped', () => {
    expect(withLogin('rtsp://a:b@10.0.0.5:554/x?y=1', 'admin', 'p@ss/w:rd')).toBe('rtsp://admin:p%40ss%2Fw%3Ard@10.0.0.5:554/x?y=1');
    expect(withLogin(' rtsp://10.0.0.5/x@2 ', 'u', '')).toBe('rtsp://u:@10.0.0.5/x@2');
  });
  it('leaves an address as it is without a user, and what is no address too', () => {
    expect(withLogin('rtsp://a:b@10.0.0.5/x', '', 'ignored')).toBe('rtsp://a:b@10.0.0.5/x');
    expect(withLogin('10.0.0.5', 'u', 'p')).toBe('10.0.0.5');
  });
});

describe('the id of a camera', () => {
  it('is made of its name and not taken', () => {
    expect(cameraId('Küche, hinten', [])).toBe('kuche-hinten');
    expect(cameraId('Front door', ['front-door', 'front-door-2'])).toBe('front-door-3');
    expect(cameraId('门', [])).toBe('camera');
    expect(cameraId('x'.repeat(100), [])).toHaveLength(40);
  });
});

describe('the first steps', () => {
  it('have a page', () => {
    expect(match('/welcome')).toEqual({ page: 'welcome' });
  });
});
