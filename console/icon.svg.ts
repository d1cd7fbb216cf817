export const ICON_PATH = '/console/icon.svg';

/** A sheet of paper with a key. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#14506b"/>
<path d="M9 6h10l5 5v15H9z" fill="#fff"/>
<path d="M19 6v5h5" fill="none" stroke="#14506b" stroke-width="1.5"/>
<circle cx="14" cy="18" r="2.6" fill="none" stroke="#14506b" stroke-width="1.8"/>
<path d="M16.6 18H21v2.4M19 18v1.8" fill="none" stroke="#14506b" stroke-width="1.8"/>
</svg>
`;
