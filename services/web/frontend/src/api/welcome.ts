/** What one address sent when it was tried out. */
export interface CameraTrial {
  usable: boolean;
  codec: string;
  width_px: number;
  height_px: number;
  fps: number;
  gop_s: number;
  audio: string;
  tries: { transport: string; error: string; code: string }[];
  /** JPEG in base64; empty when none could be made. */
  picture: string;
}

/** What the certificate of the page vouches for. */
export interface AddressInfo {
  tls: boolean;
  names: string[];
  ends_ms: number;
  own_authority: boolean;
  fingerprint: string;
  page_url: string;
}
