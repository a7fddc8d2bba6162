// Who looks at the page: the answer of /v1/self, and what its role may do.

const ROLES = ['reader', 'seller', 'stock', 'admin'];
export const session = { self: null };

export function may(role) {
    return session.self !== null && ROLES.indexOf(session.self.role) >= ROLES.indexOf(role);
}

// Why something is not offered.
export function mayNot(role) {
    return `Your key has the role ${session.self.role}; this takes ${role === 'admin' ? 'admin' : `${role} or more`}.`;
}
