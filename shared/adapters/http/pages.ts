import { secureHeaders } from 'hono/secure-headers';

/**
 * What a page for people may do: show itself, its style, its forms; no scripts, no frames, nothing from elsewhere.
 * `leadsAway`: its form ends at another site, to which browsers apply `form-action` as well (CSP level 3, section 6.4.2).
 */
export const pageHeaders = ({ leadsAway = false } = {}) =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      ...(leadsAway ? {} : { formAction: ["'self'"] }),
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    referrerPolicy: 'no-referrer',
    xFrameOptions: 'DENY',
    strictTransportSecurity: false,
  });
