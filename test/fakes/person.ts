export * from '../../local/demo/person.ts';
