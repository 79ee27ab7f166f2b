/* SPDX-License-Identifier: Apache-2.0 */
/* Every maximum for what comes from outside: its unit and where the figure is from. */
#ifndef MD_BASE_LIMITS_H
#define MD_BASE_LIMITS_H

/* Documents, in bytes. containers/image, containerd: 4 MiB; token: containers/image, 1 MiB. */
#define MD_MAX_MANIFEST (4u << 20)
#define MD_MAX_CONFIG (4u << 20)
#define MD_MAX_TOKEN (1u << 20)
#define MD_MAX_ERROR_BODY (64u << 10) /* containerd */
#define MD_MAX_HEADERS (256u << 10)   /* all header lines of one response */
#define MD_MAX_STATE (8u << 20)       /* a JSON file of our own */
#define MD_MAX_SETTINGS (1u << 20)    /* one configuration file or certificate of the host */
#define MD_MAX_AUTH_FILE (1u << 20)   /* docker's config.json, containers' auth.json */

/* Counts. */
#define MD_MAX_LAYERS 1024 /* twice the kernel's overlay limit of 500 lower directories */
#define MD_MAX_INDEX_ENTRIES 1024 /* entries of one index */
#define MD_MAX_INDEX_DEPTH 4      /* indexes inside indexes: attestations need 2 */
#define MD_MAX_REDIRECTS 10       /* go-containerregistry */
#define MD_MAX_TAGS 65536         /* of one repository: the largest on Docker Hub have 20000 */
#define MD_MAX_TAG_PAGES 1024     /* answers that list them */
#define MD_MAX_VOLUMES 1024       /* VOLUME entries of an image that a container is made of */
#define MD_MAX_LIST 65536         /* strings in env, cmd, labels ... of one image config */

#define MD_MAX_ARCHIVE_ENTRIES 65536      /* of an image archive: a layer may take four */
#define MD_MAX_ARCHIVE_BYTES (1ull << 40) /* of one, expanded */

/* A layer. */
#define MD_MAX_ENTRIES 10000000u        /* entries of one layer; memory stays bounded anyway */
#define MD_MAX_LAYER_BYTES (1ull << 40) /* unpacked bytes of one layer */
#define MD_MAX_BLOB_BYTES (1ull << 40)  /* compressed bytes of one layer */
#define MD_MAX_NAME 255                 /* bytes of a path component: NAME_MAX */
#define MD_MAX_PATH 4095                /* bytes of a path: PATH_MAX without its NUL */
#define MD_MAX_XATTRS 1024              /* extended attributes of one entry */
#define MD_MAX_XATTR_BYTES (64u << 10)  /* one value: XATTR_SIZE_MAX */
#define MD_MAX_ZSTD_WINDOW_LOG 27       /* 128 MiB: zstd's own default for decoders */
#define MD_MAX_RECORDS (4u << 20)       /* implied, whiteout, lower-link records of a layer */

/* Names. distribution/reference: a repository has at most 255 bytes, a tag 128. */
#define MD_MAX_REPOSITORY 255
#define MD_MAX_TAG 128
#define MD_MAX_STORE_NAME 240 /* leaves room for a suffix in NAME_MAX */

/* passwd and group files of an image, bytes. */
#define MD_MAX_PASSWD (10u << 20)

#endif
