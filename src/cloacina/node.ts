/**
 * What the Cloacina plane can do on Node only: packages from files, and profiles of the command line tool.
 *
 * @since 0.1.0
 */
export * from "../services/cloacina/NodePackage.js"
export * from "../services/cloacina/NodeProfile.js"
