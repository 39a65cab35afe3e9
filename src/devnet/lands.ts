/** A land of devnet's world, see `parseLand`. */
export interface DevnetLand {
  readonly name: string;
  /** Number of the account that is its lord. */
  readonly lord: number;
  readonly text: string;
}

/** Lands of devnet's world, in the order of their numbers. */
export const DEVNET_LANDS: readonly DevnetLand[] = [
  {
    name: "Valley",
    lord: 2,
    text: `
################################
#..TT......#......ss.....~~~...#
#.TTT.....##.....ssss....~~~~..#
#..T......#......sis......~~~..#
#.......................~~~~...#
#....ss...........TT.....~~....#
#...ssis.........TTTT..........#
#....ss....~~.....TT......ggs..#
#.........~~~~...........sgcs..#
#..T.......~~.............sss..#
#.TTT..............i...........#
#..T.....ss.......iss....TT....#
#.......ssss.......s....TTTT...#
#..##....ss....TT........TT....#
#..#...........TTT...#.........#
################################`,
  },
  {
    name: "Heights",
    lord: 3,
    text: `
~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
~..T..T.....ssssss.....T..TT...~
~.TT......sssiiisss......TTT...~
~.T......ssi###iiss.......T....~
~.......sss#ggg#iss............~
~..T....ssi#gcg#ss.....T.......~
~.......ssi#ggg.ss.....TT......~
~.......sss####sss......T......~
~..T.....sssiisss..............~
~.TT.......ssss......T.........~
~..T................TTT....T...~
~.......T............T....TT...~
~......TTT.......~~........T...~
~.......T.......~~~~.....T.....~
~....T...........~~............~
~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~`,
  },
];
