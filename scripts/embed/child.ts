// The program of an embedded server: the command, and its ties to the parent.
import './ties';
import '../memcached-ts';
