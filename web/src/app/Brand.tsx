export function Brand({ small = false }: { small?: boolean }) {
  return (
    <span className="brand">
      <svg width="24" height="24" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="brand-ground" />
        <path d="M7 10h18M7 16h18M7 22h11" className="brand-lines" strokeWidth="3" strokeLinecap="round" />
        <circle cx="23.5" cy="22" r="2.6" className="brand-dot" />
      </svg>
      {!small && <span>Argil</span>}
    </span>
  );
}
