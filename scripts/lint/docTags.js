/**
 * @typedef {import("@typescript-eslint/utils").TSESTree.Node} Node
 * @typedef {import("@typescript-eslint/utils").TSESTree.Comment} Comment
 */

/** Exports that are described by their members or by what they pass on. */
const withoutCategory = new Set(["TSModuleDeclaration", "ExportAllDeclaration"])

/**
 * Every module of `src` starts with a doc comment that says since when it exists, and so does every export, which also
 * names its category. `@internal` exports leave no declaration behind and need neither.
 *
 * @type {import("@typescript-eslint/utils").TSESLint.RuleModule<"module" | "missing", []>}
 */
export const docTags = {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      module: "The module starts with a doc comment that has @since.",
      missing: "The doc comment of {{name}} lacks {{tag}}."
    }
  },
  defaultOptions: [],
  create(context) {
    const source = context.sourceCode

    /** @param {Node} node */
    const docOf = (node) => source.getCommentsBefore(node).filter((comment) => comment.value.startsWith("*")).at(-1)

    /**
     * @param {Node} node
     * @param {Node} declared
     * @param {string} name
     */
    const check = (node, declared, name) => {
      const doc = docOf(node)?.value ?? ""
      if (doc.includes("@internal")) {
        return
      }
      const tags = withoutCategory.has(declared.type) ? ["@since"] : ["@since", "@category"]
      for (const tag of tags) {
        if (!new RegExp(`${tag} \\S`).test(doc)) {
          context.report({ node, messageId: "missing", data: { name, tag } })
        }
      }
    }

    /** @type {string | undefined} */
    let overloaded
    return {
      Program(node) {
        const first = source.getAllComments()[0]
        const opening = node.body[0]
        const described = opening?.type === "ExportNamedDeclaration" && opening.declaration !== null ||
          opening?.type === "ExportAllDeclaration" && opening.exported !== null
        if (
          first === undefined || !first.value.startsWith("*") || !/@since \S/.test(first.value) ||
          opening !== undefined && (first.range[0] > opening.range[0] || described && docOf(opening) === first)
        ) {
          context.report({ loc: { line: 1, column: 0 }, messageId: "module" })
        }
      },
      ExportAllDeclaration(node) {
        if (node.exported !== null) {
          check(node, node, source.getText(node.exported))
        }
      },
      ExportNamedDeclaration(node) {
        const declaration = node.declaration
        if (declaration === null || node.parent.type !== "Program") {
          return
        }
        if (declaration.type === "VariableDeclaration") {
          for (const { id } of declaration.declarations) {
            check(node, declaration, source.getText(id).replace(/:.*/s, ""))
          }
          return
        }
        const name = "id" in declaration && declaration.id !== null ? source.getText(declaration.id) : "the export"
        const isFunction = declaration.type === "TSDeclareFunction" || declaration.type === "FunctionDeclaration"
        if (isFunction && overloaded === name) {
          return
        }
        overloaded = isFunction ? name : undefined
        check(node, declaration, name)
      }
    }
  }
}
