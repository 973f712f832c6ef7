/**
 * Which hosts only this machine reaches.
 *
 * @since 0.1.0
 */

/**
 * Whether a server on this host is reached from this machine only: `localhost` and the addresses of the loopback
 * interface.
 *
 * @since 0.1.0
 * @category guards
 */
export const isLoopback = (host: string): boolean => /^(?:localhost|::1|(?:::ffff:)?127(?:\.\d{1,3}){3})$/i.test(host)
